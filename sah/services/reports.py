"""Whether a report of a deploy fits the project that it is sent to."""

import sqlalchemy as sa

from sah.domain.arns import parse_stack_arn
from sah.domain.errors import ConflictError
from sah.models import Account, Project
from sah.services.prepared import Prepared

# Every report of the plugin asks for it.
_PROJECT = Prepared(
    sa.select(
        Project.alias,
        Project.stack_name,
        Project.stack_id,
        Account.region,
        Account.aws_account_id,
    )
    .join(Account)
    .where(Project.id == sa.bindparam("id")),
    ["id"],
)


def check_report(project_id: int, *, alias: str = "", stack_id: str = "") -> list[str]:
    """Refuse a deploy of another stack; say what a person should know of one of this stack.

    One setting may serve several stages. A deploy of another one would stand in this project's
    history as if it were live here. Nothing is wrong when neither is told, when the stack's
    id is no ARN, or when the project is gone meanwhile.

    :raises ConflictError: the deploy was of another stack.
    """
    if not alias and not stack_id:
        return []
    row = _PROJECT.first({"id": project_id})
    if row is None:
        return []
    project_alias, name, synced_id, region, tested = row
    synced = parse_stack_arn(synced_id)
    accounts = {synced.account if synced else "", tested} - {""}
    _refuse_other_stack(stack_id, name, region, accounts)
    if alias in {"", project_alias}:
        return []
    warning = (
        f"The service's triggers go to the alias {alias}, and this project moves {project_alias}: "
        "a rollback would not affect them. Let both name the same alias."
    )
    return [warning]


def _refuse_other_stack(stack_id: str, name: str, region: str, accounts: set[str]) -> None:
    """Refuse another stack; ``accounts`` of AWS are those that a sync or a test has seen."""
    deployed = parse_stack_arn(stack_id)
    if deployed is None:
        return
    if (deployed.name, deployed.region) != (name, region):
        other = f"{deployed.name} in {deployed.region}, and this project's is {name} in {region}."
    elif accounts and deployed.account not in accounts:
        own = " or ".join(sorted(accounts))
        other = f"{name} in the AWS account {deployed.account}, and this project's is in {own}."
    else:
        return
    raise ConflictError(
        f"The deploy was of the stack {other}",
        "Report it to the project of that stack: each stage has one of its own.",
    )
