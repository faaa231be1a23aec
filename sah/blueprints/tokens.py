"""API tokens: who has which, making one that is shown once, and revoking one."""

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from sah.blueprints.access import actor, may, requires
from sah.domain.access import Right
from sah.domain.tokens import Scope, parse_lifetime
from sah.forms.projects import EmptyForm
from sah.forms.tokens import PERSON, TokenForm
from sah.models import User
from sah.services.projects import list_projects
from sah.services.tokens import (
    NewToken,
    TokenDetails,
    create_token,
    get_token,
    list_tokens,
    offer_scopes,
    revoke_token,
)

bp = Blueprint("tokens", __name__, url_prefix="/tokens")


@bp.get("")
@requires(Right.VIEW)
def list_all() -> ResponseReturnValue:
    """See your tokens; an administrator sees everybody's."""
    tokens = list_tokens(_only_own())
    return render_template("tokens/list.html", tokens=tokens, now=datetime.now(UTC))


@bp.route("/new", methods=["GET", "POST"])
@requires(Right.VIEW)
def new() -> ResponseReturnValue:
    """Make a token and see its secret, this once."""
    form = TokenForm()
    form.offer(offer_scopes(current_user), ((p.id, p.name) for p in list_projects()))
    if not may(Right.ADMINISTER):
        del form.owner
    with form.blaming():
        if form.validate_on_submit():
            made = _create(form)
            return render_template("tokens/made.html", token=made.token, secret=made.secret)
    return render_template("tokens/new.html", form=form), form.status


@bp.route("/<int:token_id>/revoke", methods=["GET", "POST"])
@requires(Right.VIEW)
def revoke(token_id: int) -> ResponseReturnValue:
    """Make a token worthless after having read what that means."""
    token = get_token(token_id, _only_own())
    form = EmptyForm()
    if form.validate_on_submit():
        revoke_token(token.id, actor())
        flash(f"The token {token.name} was revoked: no call with it works any more.", "success")
        return redirect(url_for(".list_all"), 303)
    return render_template("tokens/revoke.html", form=form, token=token), form.status


def _only_own() -> User | None:
    """Give whose tokens the person may see, None for everybody's."""
    person: User = current_user
    return None if may(Right.ADMINISTER) else person


def _create(form: TokenForm) -> NewToken:
    personal = "owner" not in form or form.owner.data == PERSON
    details = TokenDetails(
        name=form.text("name"),
        scope=Scope(form.scope.data),
        project_id=form.project_id,
        lifetime=parse_lifetime(form.expires.data) if form.expires.data else None,
    )
    return create_token(details, actor(), owner=current_user if personal else None)
