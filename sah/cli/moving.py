"""What every command that moves aliases shares: show a plan, refuse it, carry it out."""
# ruff: noqa: PLC0415 - see sah.cli.base

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from sah.cli.base import Failure
from sah.cli.output import cell, print_json, print_table
from sah.domain.operations import OnFailure, OperationStatus

if TYPE_CHECKING:
    from sah.cli.output import Value
    from sah.domain.plans import Plan
    from sah.domain.preflight import Preflight
    from sah.models import Move, Operation
    from sah.services.operations import OperationRequest

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
    """Carry an operation out and print how it ended.

    :raises Failure: not every alias was moved and read back.
    """
    from sah.services.operations import execute_operation, start_operation

    operation_id = start_operation(request).id
    try:
        operation = execute_operation(operation_id)
    except KeyboardInterrupt as interrupt:
        raise Failure(
            f"Stopped. Operation {operation_id} has not ended: a running server takes it up by"
            " itself, else run: sah operations resume"
        ) from interrupt
    print_operation(operation, output)
    if operation.status != OperationStatus.SUCCEEDED:
        ending = cell(OperationStatus(operation.status))
        raise Failure(f"Operation {operation.id} ended as {ending}: {operation.error}")


def print_plan(
    plan: "Plan", preflight: "Preflight", output: str, blocked: "Mapping[str, str] | None" = None
) -> None:
    """Print what would move, and what cannot and why: ``blocked``, by function."""
    stopped = dict(blocked or {})
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
                "blocked": stopped,
                "busy": preflight.busy,
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
        "kind": str(operation.kind),
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
