"""``sah tokens …``: tokens for programs that call the API."""
# ruff: noqa: PLC0415 - see sah.cli.base

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from sah.cli.base import in_app, output_option, who
from sah.cli.output import print_rows
from sah.domain.tokens import Scope, parse_lifetime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sah.cli.output import Value
    from sah.models import ApiToken


@click.group()
def tokens() -> None:
    """Make, list and revoke tokens for programs that call the API."""


@tokens.command("create")
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    required=True,
    help="deploy reports deployments of one project; read looks; operate does both and moves.",
)
@click.option("--project", metavar="P", help="Only for this project; a deploy token needs it.")
@click.option("--expires", metavar="90d", help="Until when: 12h, 90d, 2w, 1y (default: never).")
@in_app
def create(name: str, scope: str, project: str | None, expires: str | None) -> None:
    """Make the token NAME and print it, once: SAH keeps only a digest of it."""
    from sah.services.projects import get_project_by_name
    from sah.services.tokens import TokenDetails, create_token

    details = TokenDetails(
        name=name,
        scope=Scope(scope),
        project_id=get_project_by_name(project).id if project else None,
        lifetime=parse_lifetime(expires) if expires else None,
    )
    click.echo(create_token(details, who()).secret)


@tokens.command("list")
@output_option
@in_app
def list_(output: str) -> None:
    """List the tokens, also those that were revoked; their secrets are not known."""
    from sah.services.tokens import list_tokens

    columns = {
        "name": "Token",
        "start": "Begins with",
        "scope": "Scope",
        "project": "Project",
        "status": "Status",
        "owner": "Whose",
        "created_by": "Made by",
        "expires_at": "Expires",
        "last_used_at": "Last used",
    }
    print_rows([_fields(token) for token in list_tokens()], columns, output)


@tokens.command("revoke")
@click.argument("name")
@in_app
def revoke(name: str) -> None:
    """Make the token NAME worthless, at once."""
    from sah.services.tokens import get_token_by_name, revoke_token

    revoke_token(get_token_by_name(name).id, who())
    click.echo(f"Revoked the token {name}.")


def _fields(token: "ApiToken") -> "Mapping[str, Value]":
    return {
        "id": token.id,
        "name": token.name,
        "start": token.start,
        "scope": str(token.scope),
        "project": token.project.name if token.project else None,
        "status": token.status(datetime.now(UTC)),
        "owner": token.user.email if token.user else "a machine",
        "created_by": token.created_by,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
        "revoked_by": token.revoked_by,
    }
