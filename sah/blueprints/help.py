"""The help inside the app: its words, how to connect AWS, and what “ready” means."""

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from sah.blueprints.access import requires
from sah.domain.access import Right
from sah.domain.comparison import NOT_ROLLED_BACK
from sah.services.accounts import show_policy

bp = Blueprint("help", __name__)


@bp.get("/help")
@requires(Right.VIEW)
def show() -> ResponseReturnValue:
    """Read what SAH's words mean and what it needs."""
    return render_template(
        "help/help.html",
        policy=show_policy(),
        not_rolled_back=NOT_ROLLED_BACK,
        api=url_for("projects.home", _external=True) + "api",
    )
