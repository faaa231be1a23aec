"""``sah users …``: who may log in."""
# ruff: noqa: PLC0415 - see sah.cli.base

import sys
import warnings
from getpass import GetPassWarning
from typing import TYPE_CHECKING

import click

from sah.cli.base import in_app, output_option, who
from sah.cli.output import print_rows
from sah.domain.access import RoleName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sah.cli.output import Value


@click.group()
def users() -> None:
    """Make, list and change the people who may log in."""


@users.command("create")
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice([role.value for role in RoleName]),
    required=True,
    help="A viewer looks, an operator moves aliases and syncs, an admin does everything.",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@in_app
def create(email: str, role: str, *, password_stdin: bool) -> None:
    """Make a person who may log in with EMAIL."""
    from sah.services.people import create_user

    password = (
        read_secret_line()
        if password_stdin
        else ask_secret("Password", "--password-stdin", twice=True)
    )
    user = create_user(email, password, RoleName(role))
    click.echo(f"{user.email} may log in as {role}.")


@users.command("change")
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice([role.value for role in RoleName]),
    help="What they may from now on.",
)
@click.option(
    "--active/--inactive",
    default=None,
    help="Let the person log in again, or shut them out at once, with their own tokens.",
)
@click.option("--new-password", is_flag=True, help="Ask for a new password; their sessions end.")
@click.option("--password-stdin", is_flag=True, help="Read a new password from standard input.")
@in_app
def change(
    email: str,
    role: str | None,
    *,
    active: bool | None,
    new_password: bool,
    password_stdin: bool,
) -> None:
    """Change the role of EMAIL, shut them out, or replace a lost password."""
    from sah.services.people import PersonChange, change_user, get_user_by_email

    if role is None and active is None and not new_password and not password_stdin:
        raise click.UsageError("Say what to change: --role, --inactive, --new-password, …")
    user = get_user_by_email(email)
    password = None
    if password_stdin:
        password = read_secret_line()
    elif new_password:
        password = ask_secret("New password", "--password-stdin", twice=True)
    wanted = PersonChange(RoleName(role) if role else None, active, password)
    change_user(user.id, wanted, who())
    click.echo(f"{user.email} was changed.")


@users.command("list")
@output_option
@in_app
def list_(output: str) -> None:
    """List everybody who may log in."""
    from sah.services.people import list_users

    rows: list[Mapping[str, Value]] = [
        {
            "email": user.email,
            "roles": sorted(role.name for role in user.roles),
            "active": user.active,
            "created_at": user.created_at,
        }
        for user in list_users()
    ]
    columns = {"email": "E-mail", "roles": "Role", "active": "Active", "created_at": "Made"}
    print_rows(rows, columns, output)


def ask_secret(title: str, instead: str, *, twice: bool = False) -> str:
    """Ask for a secret without showing it.

    :raises click.UsageError: there is no terminal; the sentence names the option ``instead``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            answer: str = click.prompt(title, hide_input=True, confirmation_prompt=twice, err=True)
        except GetPassWarning as error:
            raise click.UsageError(f"There is no terminal to ask on: use {instead}.") from error
    return answer


def read_secret_line() -> str:
    """Read a secret from standard input, without the line's end.

    :raises click.UsageError: nothing came.
    """
    secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise click.UsageError("Nothing came on standard input.")
    return secret
