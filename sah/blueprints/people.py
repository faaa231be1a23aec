"""People: who may log in, and adding one more."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from sah.blueprints.access import requires
from sah.domain.access import Right, RoleName
from sah.forms.people import PersonForm
from sah.services.people import create_user, list_users

bp = Blueprint("people", __name__, url_prefix="/people")


@bp.get("")
@requires(Right.ADMINISTER)
def list_all() -> ResponseReturnValue:
    """See who may log in, and as what."""
    return render_template("people/list.html", users=list_users())


@bp.route("/new", methods=["GET", "POST"])
@requires(Right.ADMINISTER)
def new() -> ResponseReturnValue:
    """Let one more person log in."""
    form = PersonForm()
    with form.blaming():
        if form.validate_on_submit():
            user = create_user(form.email.data, form.password.data, RoleName(form.role.data))
            flash(f"{user.email} can log in now.", "success")
            return redirect(url_for(".list_all"), 303)
    return render_template("people/new.html", form=form), form.status
