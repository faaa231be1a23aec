"""What every command that moves aliases shares: show a plan, and carry it out."""
# ruff: noqa: PLC0415 - see sah.cli.base

import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from sah.cli.base import Failure
from sah.cli.output import cell, print_json, print_table
from sah.domain.operations import OnFailure, OperationKind, OperationStatus, Progress

if TYPE_CHECKING:
    from sah.cli.output import Value
    from sah.domain.plans import Plan
    from sah.domain.preflight import Preflight
    from sah.models import Move, Operation
    from sah.services.operations import OperationRequest
    from sah.services.rollback import RollbackPlan

_SHOWN = (
    "id",
    "project",
    "kind",
    "deployment",
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
    "waits_for",
)
_ENDINGS = {
    OnFailure.PUT_BACK: "puts back what was moved, unless all of it was",
    OnFailure.FINISH: "moves the rest",
}
_CHOICES = {str(choice).replace("_", "-"): choice for choice in OnFailure}


def on_failure_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--on-failure``, which arrives as an ``OnFailure``."""

    def convert(_context: click.Context, _option: click.Parameter, value: str) -> OnFailure:
        return _CHOICES[value]

    return click.option(
        "--on-failure",
        type=click.Choice(sorted(_CHOICES)),
        default="put-back",
        show_default=True,
        callback=convert,
        help="When a move fails: put back what was moved, or keep it and move what can be moved.",
    )(command)


def carry_out(request: "OperationRequest", output: str) -> None:
    """Carry an operation out, show its progress, and print how it ended.

    A terminal sees the progress on standard error, in one line that goes away.

    :raises Failure: not every alias was moved and read back.
    """
    from rich.console import Console

    from sah.services.operations import execute_operation, start_operation

    # Made before anything begins, so that Ctrl-C finds an operation that has begun.
    console = Console(stderr=True, force_terminal=sys.stderr.isatty())
    started = start_operation(request)
    operation_id, begun = started.id, started.progress
    try:
        with console.status(_say(begun)) as line:
            operation = execute_operation(operation_id, lambda so_far: line.update(_say(so_far)))
    except KeyboardInterrupt as interrupt:
        # Calls to AWS may still be under way; a second one ends the process without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise Failure(
            f"Stopped here, but operation {operation_id} goes on: a running server takes it up"
            f" within 15 s and {_ENDINGS[request.on_failure]}; without a server do that with:"
            f" sah operations resume. To look at it: sah operations show {operation_id}"
        ) from interrupt
    print_operation(operation, output)
    if operation.status != OperationStatus.SUCCEEDED:
        ending = cell(OperationStatus(operation.status))
        raise Failure(f"Operation {operation.id} ended as {ending}: {operation.error}")


def _say(progress: Progress) -> str:
    back = f", {progress.put_back} put back" if progress.put_back else ""
    return f"{progress}, {progress.verified} read back{back}"


def print_plan(
    plan: "Plan", preflight: "Preflight", output: str, rollback: "RollbackPlan | None" = None
) -> None:
    """Print what would move, and what of a ``rollback`` cannot and why."""
    stopped = dict(rollback.blocked) if rollback else {}
    if preflight.unknown:
        unknown = f"Whether the stack is being deployed is not known: {preflight.unknown}"
        click.echo(unknown, err=True)
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
                "kind": rollback.kind if rollback else OperationKind.SWITCH,
                "deployment": rollback.deployment.number if rollback else None,
                "alias": plan.alias,
                "moves": moves,
                "unchanged": unchanged,
                "missing": missing,
                "blocked": stopped,
                "busy": preflight.busy,
                "unknown": preflight.unknown,
            }
        )
        return
    if not moves:
        click.echo("Nothing would move.")
    rows = moves + [{"function": name, "problem": why} for name, why in stopped.items()]
    if not rows:
        return
    titles = {"function": "Function", "from": "From", "to": "To"}
    print_table(rows, {**titles, "problem": "Problem", "warning": "Warning"})


def print_operation(operation: "Operation", output: str) -> None:
    """Print one operation with its moves."""
    moves = [_move_fields(move) for move in operation.moves]
    fields = operation_fields(operation)
    if output == "json":
        print_json({**fields, "moves": moves})
        return
    for title in _SHOWN:
        if fields[title]:
            click.echo(f"{title.replace('_', ' ')}: {cell(fields[title])}")
    titles = {"function": "Function", "from": "From", "to": "To"}
    print_table(moves, {**titles, "outcome": "Outcome", "verified_at": "Seen", "detail": "Why"})


def operation_fields(operation: "Operation") -> "dict[str, Value]":
    """Give what a list shows of an operation."""
    progress = operation.progress
    return {
        "id": operation.id,
        "project": operation.project_name,
        "stack": operation.stack_name,
        "alias": operation.alias,
        "kind": OperationKind(operation.kind),
        "deployment": operation.deployment_number,
        "status": OperationStatus(operation.status),
        "on_failure": str(operation.on_failure),
        "progress": str(progress),
        "moved": progress.moved,
        "verified": progress.verified,
        "total": progress.total,
        "requested_by": operation.requested_by,
        "reason": operation.reason,
        "override_reason": operation.override_reason,
        "error": "" if operation.is_active else operation.error,
        "waits_for": operation.waits_for,
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
