"""People: who may log in, adding one more, and changing what one may."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from sah.blueprints.access import actor, requires
from sah.domain.access import Right, RoleName
from sah.forms.people import PersonEditForm, PersonForm
from sah.services.people import PersonChange, change_user, create_user, get_user, list_users

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


@bp.route("/<int:user_id>/edit", methods=["GET", "POST"])
@requires(Right.ADMINISTER)
def edit(user_id: int) -> ResponseReturnValue:
    """Change a person's role, shut them out or let them in, or give them a new password."""
    user = get_user(user_id)
    role = user.roles[0].name if user.roles else None
    form = PersonEditForm(
        role=role, active=user.active, shown_role=role, shown_active=str(user.active)
    )
    with form.blaming():
        if form.validate_on_submit():
            change = PersonChange(
                role=RoleName(form.changed_role) if form.changed_role else None,
                active=form.changed_active,
                password=form.password.data or None,
            )
            change_user(user_id, change, actor())
            flash(f"{user.email} was changed.", "success")
            return redirect(url_for(".list_all"), 303)
    return render_template("people/edit.html", form=form, user=user), form.status
