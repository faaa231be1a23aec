"""The first visit: make the first administrator; gone afterwards."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import login_user

from sah.blueprints.access import before_setup
from sah.forms.people import SetupForm
from sah.services.people import create_first_admin, has_users

bp = Blueprint("setup", __name__)


@bp.route("/setup", methods=["GET", "POST"])
@before_setup
def first_admin() -> ResponseReturnValue:
    """Make yourself the first administrator of a fresh SAH, and be logged in."""
    if has_users():
        abort(404)
    form = SetupForm()
    with form.blaming():
        if form.validate_on_submit():
            user = create_first_admin(form.email.data, form.password.data)
            login_user(user, authn_via=["password"])
            flash("You are the administrator. Next: tell SAH how to reach AWS.", "success")
            return redirect(url_for("projects.list_all"), 303)
    return render_template("setup/first_admin.html", form=form), form.status
