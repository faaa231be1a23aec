"""Carry an operation out: check, move, read back, and on failure put back or keep."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog
from flask import current_app

from sah.aws.gateway import AwsGateway
from sah.domain.errors import ConflictError, SahError
from sah.domain.operations import MoveOutcome, OnFailure, Progress
from sah.domain.plans import PlannedMove
from sah.domain.steps import Patience, Phase, Task
from sah.extensions import db
from sah.models import Move, Operation
from sah.services.accounts import open_gateway
from sah.services.claims import claimed
from sah.services.engine import Crew, Drive
from sah.services.journal import MADE, Journal
from sah.services.preflight import check_moves, find_busy_stack, has_passed, was_at_rest

log = structlog.get_logger(__name__)

# An operation that nobody began for so long is not begun any more: the world moved on.
STALE_AFTER = timedelta(minutes=10)

_STOPPED = "SAH was stopped before it could move this alias."
_INCOMPLETE = (
    MoveOutcome.FAILED,
    MoveOutcome.UNKNOWN,
    MoveOutcome.NOT_ATTEMPTED,
    MoveOutcome.PUT_BACK,
)


def execute_operation(
    operation_id: int, tell: Callable[[Progress], object] | None = None
) -> Operation:
    """Carry out a journalled operation, or take up one that a crash interrupted.

    ``tell`` is called with how far it is, each time that something more is known.
    Returns when every move has ended and the end status is in the journal. What
    fails is an outcome of a move, not an exception.

    :raises NotFoundError: there is no such operation.
    :raises ConflictError: it has ended already.
    :raises BusyError: it is being carried out already, here or by another process.
    """
    with claimed(operation_id) as (operation, interrupted):
        return _carry_out(Journal(operation, tell), interrupted=interrupted)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one execution works with."""

    operation: Operation
    journal: Journal
    gateway: AwsGateway
    crew: Crew
    patience: Patience

    @property
    def puts_back(self) -> bool:
        return self.operation.on_failure == OnFailure.PUT_BACK

    @property
    def is_incomplete(self) -> bool:
        return bool(self.journal.list_moves(_INCOMPLETE))

    def drive(self, tasks: Iterable[Task], *, stop_on_failure: bool = False) -> None:
        Drive(self.crew, self.journal, self.patience, stop_on_failure).run(tasks)

    def forth(self, move: Move, phase: Phase = Phase.UPDATE) -> Task:
        alias = self.operation.alias
        return Task(move.function, alias, move.before, move.after, move.revision_id, phase)

    def back(self, move: Move) -> Task:
        """Make the inverse of a move; what was not seen since has to be looked at first."""
        seen = self.journal.seen.get(move.function)
        task = Task(move.function, self.operation.alias, move.after, move.before)
        if seen is None or move.outcome not in (MoveOutcome.MOVED, MoveOutcome.SWITCHING):
            return replace(task, phase=Phase.LOOK, late=move.outcome == MoveOutcome.UNKNOWN)
        switching = move.outcome == MoveOutcome.SWITCHING
        return replace(task, revision_id=seen.revision_id, switching=switching)


def _carry_out(journal: Journal, *, interrupted: bool) -> Operation:
    operation = journal.operation
    try:
        gateway = _gateway_of(operation)
    except SahError as error:
        log.warning("operation.stopped", operation=operation.id, error=str(error))
        journal.give_up(str(error))
        return journal.finish()
    patience = current_app.config.get("PATIENCE", Patience())
    with Crew(gateway, len(operation.moves)) as crew:
        run = _Run(operation, journal, gateway, crew, patience)
        (_take_up if interrupted else _begin)(run)
        if run.puts_back and run.is_incomplete:
            _put_back(run)
    return journal.finish()


def _gateway_of(operation: Operation) -> AwsGateway:
    if operation.project is None:
        raise ConflictError("The project was deleted.", "Nothing more can be moved.")
    gateway = open_gateway(operation.project.account, urgent=True)
    db.session.commit()
    return gateway


def _begin(run: _Run) -> None:
    """Check what may have changed since the plan was shown, then move everything."""
    if datetime.now(UTC) - run.operation.created_at > STALE_AFTER:
        run.journal.refuse({}, "SAH was not there to begin in time, so nothing was moved.")
        return
    if busy := _find_busy(run):
        run.journal.refuse({}, f"{busy} Nothing was moved.")
        return
    if problems := _find_problems(run):
        run.journal.refuse(problems, "Not every target can be moved to, so nothing was moved.")
        return
    moves = [run.forth(move) for move in run.operation.moves]
    run.drive(moves, stop_on_failure=run.puts_back)


def _find_busy(run: _Run) -> str:
    operation = run.operation
    if operation.override_reason:
        return ""
    if operation.project_id and was_at_rest(operation.project_id, operation.fingerprint):
        return ""
    nested = operation.project.nested_stacks if operation.project else ()
    return find_busy_stack(run.gateway, operation.stack_name, nested)


def _find_problems(run: _Run) -> dict[str, str]:
    """Check the targets, unless that was done a moment ago when the plan was shown."""
    operation = run.operation
    if operation.project_id and has_passed(operation.project_id, operation.fingerprint):
        return {}
    alias = operation.alias
    moves = [
        PlannedMove(m.function, alias, m.before, m.after, m.revision_id) for m in operation.moves
    ]
    return {f.function: f.text for f in check_moves(run.gateway, moves) if f.blocks}


def _take_up(run: _Run) -> None:
    """Let AWS tell how far a crash let the operation come; to finish, also go on."""
    log.warning("operation.taken_up", operation=run.operation.id)
    putting_back = run.puts_back and run.is_incomplete
    tasks = [_resume(run, move) for move in run.journal.list_moves([MoveOutcome.PENDING])]
    if not putting_back:
        made = run.journal.list_moves(MADE)
        tasks += [_resume(run, move) for move in made if move.verified_at is None]
    run.drive(tasks)


def _resume(run: _Run, move: Move) -> Task:
    """Look at an alias whose outcome is open; to finish, one never sent is simply moved."""
    attempted = move.attempted_at is not None
    if move.outcome in (MoveOutcome.MOVED, MoveOutcome.SWITCHING):
        return run.forth(move, Phase.CONFIRM)
    if not run.puts_back and not attempted:
        return run.forth(move)
    task = run.forth(move, Phase.LOOK)
    return replace(task, in_doubt=attempted, giving_up=run.puts_back, problem=_STOPPED)


def _put_back(run: _Run) -> None:
    """Move everything that was moved to where it came from."""
    moves = run.journal.list_moves(MADE)
    moves += [m for m in run.journal.list_moves([MoveOutcome.PUT_BACK]) if m.verified_at is None]
    if not moves:
        return
    log.warning("operation.putting_back", operation=run.operation.id, moves=len(moves))
    run.journal.begin_to_put_back(moves)
    run.drive(run.back(move) for move in moves)
