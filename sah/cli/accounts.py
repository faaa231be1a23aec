"""``sah accounts …`` and ``sah stacks``: how SAH reaches AWS, and what is there."""
# ruff: noqa: PLC0415 - see sah.cli.base

from typing import TYPE_CHECKING

import click

from sah.cli.base import Failure, in_app, output_option
from sah.cli.output import print_json, print_rows
from sah.cli.users import ask_secret, read_secret_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sah.cli.output import Value
    from sah.services.accounts import ConnectionReport


@click.group()
def accounts() -> None:
    """Add, list and test the AWS accounts that SAH works on."""


@accounts.command("add")
@click.argument("name")
@click.option("--region", required=True, metavar="R", help="The AWS Region, such as eu-west-1.")
@click.option("--role-arn", default="", metavar="A", help="An IAM role to assume.")
@click.option("--external-id", default="", metavar="X", help="The external id for that role.")
@click.option("--access-key-id", default="", metavar="K", help="A stored access key instead.")
@click.option("--secret-stdin", is_flag=True, help="Read the key's secret from standard input.")
@click.option("--endpoint-url", default="", metavar="U", help="An address instead of AWS's own.")
@in_app
def add(*, secret_stdin: bool, **entered: str) -> None:
    """Add the account NAME.

    With neither role nor key, AWS's default chain of credentials is used.
    """
    from sah.aws.gateway import AccessKind
    from sah.services.accounts import AccountDetails, add_account

    _check_options(entered, secret_stdin=secret_stdin)
    kind, secret = AccessKind.DEFAULT_CHAIN, ""
    if entered["role_arn"]:
        kind = AccessKind.ASSUME_ROLE
    elif entered["access_key_id"]:
        kind, secret = AccessKind.ACCESS_KEY, _read_secret(from_stdin=secret_stdin)
    account = add_account(AccountDetails(**entered, access_kind=kind, secret_access_key=secret))
    click.echo(f"Added the account {account.name}; try it with: sah accounts test {account.name}")


@accounts.command("list")
@output_option
@in_app
def list_(output: str) -> None:
    """List the accounts; secrets are never shown."""
    from sah.services.accounts import list_accounts

    rows: list[Mapping[str, Value]] = [
        {
            "name": account.name,
            "region": account.region,
            "access": account.access_kind,
            "role_arn": account.role_arn,
            "access_key_id": account.access_key_id,
            "endpoint_url": account.endpoint_url,
            "aws_account_id": account.aws_account_id,
        }
        for account in list_accounts()
    ]
    columns = {
        "name": "Name",
        "region": "Region",
        "access": "Access",
        "aws_account_id": "AWS account",
        "endpoint_url": "Endpoint",
    }
    print_rows(rows, columns, output)


@accounts.command("test")
@click.argument("name")
@output_option
@in_app
def test(name: str, output: str) -> None:
    """Test the account NAME: who it is, and what it lacks."""
    from sah.services.accounts import check_connection, get_account_by_name

    report = check_connection(get_account_by_name(name))
    if output == "json":
        print_json(_report_fields(report))
    elif report.identity:
        click.echo(f"AWS account {report.identity.account_id} as {report.identity.arn}")
    if report.error:
        raise Failure(str(report.error))
    if report.missing:
        raise Failure(f"The account {name} lacks {', '.join(report.missing)}.")
    if output == "table":
        click.echo(_permissions_sentence(report))


@click.command()
@click.option("--account", required=True, metavar="NAME", help="The account to look into.")
@output_option
@in_app
def stacks(account: str, output: str) -> None:
    """List an account's stacks, every status but deleted."""
    from sah.services.accounts import get_account_by_name, list_account_stacks

    rows: list[Mapping[str, Value]] = [
        {
            "name": stack.name,
            "status": stack.status,
            "created_at": stack.created_at,
            "changed_at": stack.changed_at,
            "description": stack.description,
        }
        for stack in list_account_stacks(get_account_by_name(account))
    ]
    print_rows(rows, {"name": "Stack", "status": "Status", "changed_at": "Changed"}, output)


def _check_options(entered: "Mapping[str, str]", *, secret_stdin: bool) -> None:
    by_role, by_key = entered["role_arn"], entered["access_key_id"]
    if by_role and by_key:
        raise click.UsageError("Give either --role-arn or --access-key-id, not both.")
    if entered["external_id"] and not by_role:
        raise click.UsageError("--external-id needs --role-arn.")
    if secret_stdin and not by_key:
        raise click.UsageError("--secret-stdin needs --access-key-id.")


def _read_secret(*, from_stdin: bool) -> str:
    if from_stdin:
        return read_secret_line()
    return ask_secret("Secret access key", "--secret-stdin")


def _report_fields(report: "ConnectionReport") -> "dict[str, Value]":
    identity = report.identity
    return {
        "works": report.works,
        "account_id": identity.account_id if identity else None,
        "arn": identity.arn if identity else None,
        "permissions": [
            {"action": check.action, "allowed": check.allowed, "detail": check.detail}
            for check in report.permissions
        ],
        "missing": list(report.missing),
        "error": str(report.error) if report.error else None,
    }


def _permissions_sentence(report: "ConnectionReport") -> str:
    unknown = [check.action for check in report.permissions if check.allowed is None]
    if unknown:
        return f"Nothing is known to be missing; AWS would not say about {', '.join(unknown)}."
    return f"All {len(report.permissions)} permissions are there."
