"""``sah switch``, ``sah operations …`` and ``sah break-glass``: move aliases from a shell."""
# ruff: noqa: PLC0415 - see sah.cli.base

import getpass
from typing import TYPE_CHECKING

import click

from sah.cli.base import Failure, in_app, output_option
from sah.cli.output import cell, print_json, print_rows, print_table
from sah.domain.operations import OnFailure, OperationStatus

if TYPE_CHECKING:
    from sah.cli.output import Value
    from sah.domain.plans import Plan
    from sah.domain.preflight import Preflight
    from sah.models import Move, Operation

_SHOWN = (
    "id",
    "project",
    "kind",
    "undo_of",
    "rest_of",
    "status",
    "progress",
    "requested_by",
    "reason",
    "override_reason",
    "created_at",
    "duration_s",
    "error",
)
_CHOICES = {str(choice).replace("_", "-"): choice for choice in OnFailure}


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
    print_rows([_operation_fields(operation) for operation in found], columns, output)


@operations.command("show")
@click.argument("operation_id", metavar="ID", type=int)
@output_option
@in_app
def show(operation_id: int, output: str) -> None:
    """Show one operation: who, when, why, and how each move ended."""
    from sah.services.operations import get_operation

    _print_operation(get_operation(operation_id), output)


@operations.command("resume")
@in_app
def resume() -> None:
    """Take up operations whose process died; the server does this by itself."""
    from sah.services.claims import list_abandoned
    from sah.services.operations import execute_operation

    for operation_id in list_abandoned():
        operation = execute_operation(operation_id)
        click.echo(f"Operation {operation.id} of {operation.project_name}: {operation.status}")


@click.command()
@click.argument("project")
@click.argument("wanted", metavar="FUNCTION=VERSION…", nargs=-1, required=True)
@click.option("--reason", default="", help="Why, for those who read the history.")
@click.option("--dry-run", is_flag=True, help="Show the plan and check it; move nothing.")
@click.option(
    "--on-failure",
    type=click.Choice(sorted(_CHOICES)),
    default="put-back",
    show_default=True,
    help="When a move fails: put back what was moved, or keep it and move what can be moved.",
)
@click.option("--override-reason", default="", help="Why to move while the stack is updated.")
@output_option
@in_app
def switch(  # noqa: PLR0913 - each is an option
    project: str,
    *,
    wanted: tuple[str, ...],
    reason: str,
    dry_run: bool,
    on_failure: str,
    override_reason: str,
    output: str,
) -> None:
    """Give functions of PROJECT other versions, all at once.

    The exit status is 0 only when every alias was moved and read back.
    """
    from sah.services.operations import OperationRequest, execute_operation, start_operation

    if not dry_run and not reason.strip():
        raise click.UsageError("--reason is missing.")
    project_id, plan, preflight = _plan(project, wanted)
    if dry_run or not plan.moves:
        _print_plan(plan, preflight, output)
    _refuse(plan, preflight, overridden=bool(override_reason.strip()))
    if dry_run or not plan.moves:
        return
    request = OperationRequest(
        project_id=project_id,
        target=plan.target,
        fingerprint=plan.fingerprint,
        reason=reason,
        requested_by=f"{getpass.getuser()} (command line)",
        on_failure=_CHOICES[on_failure],
        override_reason=override_reason,
    )
    operation_id = start_operation(request).id
    try:
        operation = execute_operation(operation_id)
    except KeyboardInterrupt as interrupt:
        raise Failure(
            f"Stopped. Operation {operation_id} has not ended: a running server takes it up by"
            " itself, else run: sah operations resume"
        ) from interrupt
    _print_operation(operation, output)
    if operation.status != OperationStatus.SUCCEEDED:
        raise Failure(f"Operation {operation.id} ended as {operation.status}: {operation.error}")


@click.command("break-glass")
@click.argument("project")
@click.option(
    "--to",
    "wanted",
    multiple=True,
    required=True,
    metavar="FUNCTION=VERSION",
    help="Where to move; VERSION may be previous, and previous alone means every function.",
)
@click.argument("more", metavar="[FUNCTION=VERSION…]", nargs=-1)
@in_app
def break_glass(project: str, wanted: tuple[str, ...], more: tuple[str, ...]) -> None:
    """Print a shell script that moves aliases of PROJECT without SAH, and back with “undo”.

    It is made from what SAH saw last, and asks AWS nothing: keep one at hand.
    """
    from sah.services.breakglass import write_break_glass

    click.echo(write_break_glass(project, (*wanted, *more)), nl=False)


def _plan(name: str, wanted: tuple[str, ...]) -> "tuple[int, Plan, Preflight]":
    from sah.domain.preflight import Preflight
    from sah.services.breakglass import parse_assignment
    from sah.services.operations import plan_project_switch, preflight_plan, refuse_when_busy
    from sah.services.projects import get_project_by_name
    from sah.services.sync import sync_if_changed

    project = get_project_by_name(name)
    refuse_when_busy(project)
    project_id = project.id
    target = {k: v for text in wanted for k, v in parse_assignment(text).items()}
    sync_if_changed(project_id)
    plan = plan_project_switch(project_id, target)
    return project_id, plan, preflight_plan(project_id, plan) if plan.moves else Preflight()


def _refuse(plan: "Plan", preflight: "Preflight", *, overridden: bool) -> None:
    if plan.missing:
        raise Failure(f"There is no alias {plan.alias} of {', '.join(plan.missing)}.")
    if preflight.problems:
        said = " ".join(f"{name}: {text}" for name, text in preflight.problems.items())
        raise Failure(f"Nothing was moved. {said}")
    if preflight.busy and not overridden:
        raise Failure(f"{preflight.busy} Wait for its end, or give --override-reason.")


def _print_plan(plan: "Plan", preflight: "Preflight", output: str) -> None:
    moves: list[dict[str, Value]] = [
        {
            "function": move.function,
            "from": str(move.before),
            "to": str(move.after),
            "problem": preflight.problems.get(move.function),
            "warning": preflight.warnings.get(move.function),
        }
        for move in plan.moves
    ]
    if output == "json":
        unchanged, missing = list(plan.unchanged), list(plan.missing)
        print_json(
            {
                "alias": plan.alias,
                "moves": moves,
                "unchanged": unchanged,
                "missing": missing,
                "busy": preflight.busy,
            }
        )
        return
    if not moves:
        click.echo("Nothing would move.")
        return
    titles = {"function": "Function", "from": "From", "to": "To"}
    print_table(moves, {**titles, "problem": "Problem", "warning": "Warning"})


def _print_operation(operation: "Operation", output: str) -> None:
    moves = [_move_fields(move) for move in operation.moves]
    fields = _operation_fields(operation)
    if output == "json":
        print_json({**fields, "moves": moves})
        return
    for title in _SHOWN:
        if fields[title]:
            click.echo(f"{title.replace('_', ' ')}: {cell(fields[title])}")
    titles = {"function": "Function", "from": "From", "to": "To"}
    print_table(moves, {**titles, "outcome": "Outcome", "verified_at": "Seen", "detail": "Why"})


def _operation_fields(operation: "Operation") -> "dict[str, Value]":
    progress = operation.progress
    return {
        "id": operation.id,
        "project": operation.project_name,
        "stack": operation.stack_name,
        "alias": operation.alias,
        "kind": str(operation.kind),
        "status": str(operation.status),
        "on_failure": str(operation.on_failure),
        "progress": str(progress),
        "moved": progress.moved,
        "verified": progress.verified,
        "total": progress.total,
        "requested_by": operation.requested_by,
        "reason": operation.reason,
        "override_reason": operation.override_reason,
        "error": operation.error,
        "created_at": operation.created_at,
        "finished_at": operation.finished_at,
        "duration_s": operation.duration.total_seconds() if operation.duration else None,
        "undo_of": operation.undo_of_id,
        "rest_of": operation.rest_of_id,
    }


def _move_fields(move: "Move") -> "dict[str, Value]":
    return {
        "function": move.function,
        "from": str(move.before),
        "to": str(move.after),
        "outcome": str(move.outcome),
        "detail": move.detail,
        "attempted_at": move.attempted_at,
        "verified_at": move.verified_at,
        "finished_at": move.finished_at,
    }
