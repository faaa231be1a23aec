"""``sah switch``, ``sah operations …`` and ``sah break-glass``: move aliases from a shell."""
# ruff: noqa: PLC0415 - see sah.cli.base

from typing import TYPE_CHECKING

import click

from sah.cli.base import in_app, output_option, who
from sah.cli.moving import (
    carry_out,
    on_failure_option,
    operation_fields,
    print_operation,
    print_plan,
)
from sah.cli.output import cell, print_rows
from sah.domain.operations import OnFailure, OperationStatus

if TYPE_CHECKING:
    from sah.domain.plans import Plan
    from sah.domain.preflight import Preflight


@click.group()
def operations() -> None:
    """List, show and take up operations."""


@operations.command("list")
@click.option("--project", metavar="NAME", help="Only those of one project.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@output_option
@in_app
def list_(project: str | None, limit: int, output: str) -> None:
    """List the latest operations, newest first."""
    from sah.services.operations import list_operations
    from sah.services.projects import get_project_by_name

    project_id = get_project_by_name(project).id if project else None
    columns = {
        "id": "Operation",
        "project": "Project",
        "kind": "Kind",
        "status": "Status",
        "progress": "Moves",
        "requested_by": "By",
        "reason": "Reason",
        "created_at": "When",
    }
    found = list_operations(project_id, limit=limit)
    print_rows([operation_fields(operation) for operation in found], columns, output)


@operations.command("show")
@click.argument("operation_id", metavar="ID", type=click.IntRange(1, 999_999_999))
@output_option
@in_app
def show(operation_id: int, output: str) -> None:
    """Show one operation: who, when, why, and how each move ended."""
    from sah.services.operations import get_operation

    print_operation(get_operation(operation_id), output)


@operations.command("resume")
@in_app
def resume() -> None:
    """Take up operations whose process died; the server does this by itself."""
    from sah.services.claims import list_abandoned
    from sah.services.operations import execute_operation

    for operation_id in list_abandoned():
        operation = execute_operation(operation_id)
        ending = cell(OperationStatus(operation.status))
        click.echo(f"Operation {operation.id} of {operation.project_name}: {ending}")


@click.command()
@click.argument("project")
@click.argument("wanted", metavar="FUNCTION=VERSION…", nargs=-1, required=True)
@click.option("--reason", default="", help="Why, for those who read the history.")
@click.option("--dry-run", is_flag=True, help="Show the plan and check it; move nothing.")
@on_failure_option
@click.option("--override-reason", default="", help="Why to move while the stack is updated.")
@output_option
@in_app
def switch(  # noqa: PLR0913 - each is an option
    project: str,
    *,
    wanted: tuple[str, ...],
    reason: str,
    dry_run: bool,
    on_failure: OnFailure,
    override_reason: str,
    output: str,
) -> None:
    """Give functions of PROJECT other versions, all at once.

    The exit status is 0 only when every alias was moved and read back.
    """
    from sah.services.operations import OperationRequest
    from sah.services.preflight import refuse_plan

    if not dry_run and not reason.strip():
        raise click.UsageError("--reason is missing.")
    project_id, plan, preflight = _plan(project, wanted)
    if dry_run or not plan.moves:
        print_plan(plan, preflight, output)
    refuse_plan(plan, preflight, overridden=bool(override_reason.strip()))
    if dry_run or not plan.moves:
        return
    request = OperationRequest(
        project_id=project_id,
        target=plan.target,
        fingerprint=plan.fingerprint,
        reason=reason,
        requested_by=who(),
        on_failure=on_failure,
        override_reason=override_reason,
    )
    carry_out(request, output)


@click.command("break-glass")
@click.argument("project")
@click.option(
    "--to",
    "wanted",
    multiple=True,
    required=True,
    metavar="NUMBER|previous|FUNCTION=VERSION",
    help="Where to move: to a deployment, or single functions.",
)
@click.argument("more", metavar="[FUNCTION=VERSION…]", nargs=-1)
@in_app
def break_glass(project: str, wanted: tuple[str, ...], more: tuple[str, ...]) -> None:
    """Print a shell script that moves aliases of PROJECT without SAH, and back with “undo”.

    It is made from what SAH saw last, and asks AWS nothing: keep one at hand. As in
    “sah rollback”, previous is the deployment that was wholly live before the present
    one; FUNCTION=previous is the version below the live one.
    """
    from sah.services.breakglass import write_break_glass

    click.echo(write_break_glass(project, (*wanted, *more)), nl=False)


def _plan(name: str, wanted: tuple[str, ...]) -> "tuple[int, Plan, Preflight]":
    from sah.domain.preflight import Preflight
    from sah.services.breakglass import parse_assignments
    from sah.services.operations import plan_project_switch, preflight_plan, refuse_when_busy
    from sah.services.projects import get_project_by_name
    from sah.services.refresh import sync_if_changed

    project = get_project_by_name(name)
    refuse_when_busy(project)
    project_id = project.id
    target = parse_assignments(wanted)
    sync_if_changed(project_id)
    plan = plan_project_switch(project_id, target)
    return project_id, plan, preflight_plan(project_id, plan) if plan.moves else Preflight()
