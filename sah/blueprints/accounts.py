"""Accounts: how SAH reaches AWS, and a test of that."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from sah.aws.gateway import AccessKind
from sah.blueprints.access import requires
from sah.domain.access import Right
from sah.forms.accounts import AccountForm
from sah.forms.projects import EmptyForm
from sah.services.accounts import (
    AccountDetails,
    add_account,
    check_connection,
    delete_account,
    get_account,
    list_accounts,
    show_policy,
    update_account,
)

bp = Blueprint("accounts", __name__, url_prefix="/accounts")


@bp.get("")
@requires(Right.ADMINISTER)
def list_all() -> ResponseReturnValue:
    """See every account that SAH reaches."""
    return render_template("accounts/list.html", accounts=list_accounts())


@bp.route("/new", methods=["GET", "POST"])
@requires(Right.ADMINISTER)
def new() -> ResponseReturnValue:
    """Tell SAH how to reach an account, and see at once whether that works."""
    form = AccountForm()
    with form.blaming():
        if form.validate_on_submit():
            account = add_account(_details(form))
            return redirect(url_for(".test", account_id=account.id), 303)
    return render_template("accounts/new.html", form=form), form.status


@bp.route("/<int:account_id>/edit", methods=["GET", "POST"])
@requires(Right.ADMINISTER)
def edit(account_id: int) -> ResponseReturnValue:
    """Change how SAH reaches an account; an empty secret keeps the stored one."""
    account = get_account(account_id)
    form = AccountForm(obj=account)
    with form.blaming():
        if form.validate_on_submit():
            update_account(account_id, _details(form), form.seen_revision)
            flash("The account was saved.", "success")
            return redirect(url_for(".test", account_id=account_id), 303)
    return render_template("accounts/edit.html", form=form, account=account), form.status


@bp.route("/<int:account_id>/delete", methods=["GET", "POST"])
@requires(Right.ADMINISTER)
def delete(account_id: int) -> ResponseReturnValue:
    """Delete an account that no project uses."""
    account = get_account(account_id)
    form = EmptyForm()
    with form.blaming():
        if form.validate_on_submit():
            delete_account(account_id)
            flash(f"The account {account.name} was deleted.", "success")
            return redirect(url_for(".list_all"), 303)
    return render_template("accounts/delete.html", form=form, account=account), form.status


@bp.get("/<int:account_id>/test")
@requires(Right.ADMINISTER)
def test(account_id: int) -> ResponseReturnValue:
    """See who AWS says that SAH is, and which permissions are missing."""
    account = get_account(account_id)
    report = check_connection(account)
    return render_template(
        "accounts/test.html", account=account, report=report, policy=show_policy(account)
    )


def _details(form: AccountForm) -> AccountDetails:
    return AccountDetails(
        name=form.text("name"),
        region=form.text("region"),
        access_kind=AccessKind(form.access_kind.data),
        role_arn=form.text("role_arn"),
        external_id=form.text("external_id"),
        access_key_id=form.text("access_key_id"),
        secret_access_key=form.text("secret_access_key"),
        endpoint_url=form.text("endpoint_url"),
    )
