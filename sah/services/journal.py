"""Write an operation's journal: attempts before they are made, outcomes as they come."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
import structlog

from sah.domain.errors import BusyError
from sah.domain.operations import MoveOutcome, OperationStatus, Progress, find_end_status
from sah.domain.steps import Step, Task
from sah.extensions import db
from sah.models import Function, FunctionAlias, Move, Operation
from sah.services.live import track_live
from sah.services.owners import HEARTBEAT_S, this_process

if TYPE_CHECKING:
    from sah.domain.aliases import AliasState

log = structlog.get_logger(__name__)

# Moves that were made, or that may have been.
MADE = (MoveOutcome.MOVED, MoveOutcome.SWITCHING, MoveOutcome.UNKNOWN)
FAILED = (MoveOutcome.FAILED, MoveOutcome.UNKNOWN)
_ACCEPTED = (MoveOutcome.MOVED, MoveOutcome.SWITCHING)


class Journal:
    """The journal of one operation, written by the one thread that carries it out.

    It also keeps the project's alias rows right, so that pages and the next plan
    show what AWS showed last. ``seen`` is that, by function name. ``tell`` hears how far
    the operation is whenever that was written.
    """

    def __init__(
        self, operation: Operation, tell: Callable[[Progress], object] | None = None
    ) -> None:
        self.operation = operation
        self._tell = tell
        self.seen: dict[str, AliasState] = {}
        self._owner = this_process()
        self._moves = {move.function: move for move in operation.moves}
        self._fresh: list[AliasState] = []
        self._beat_at = datetime.now(UTC)
        self._changed = False
        self._putting_back: dict[str, tuple[MoveOutcome, str]] = {}
        self._waiting: dict[str, tuple[datetime, str]] = {}
        operation.error = ""  # what a process that died waited for

    @property
    def failed(self) -> bool:
        """Say whether a move failed, or nobody can tell."""
        return any(move.outcome in FAILED for move in self._moves.values())

    def list_moves(self, outcomes: Iterable[MoveOutcome]) -> list[Move]:
        """List the moves that ended so, by function name."""
        wanted = set(outcomes)
        return [move for move in self.operation.moves if MoveOutcome(move.outcome) in wanted]

    def begin_to_put_back(self, moves: Iterable[Move]) -> None:
        """From now on, what ``moves`` reach is where they came from."""
        self._putting_back = {
            move.function: (MoveOutcome(move.outcome), move.detail) for move in moves
        }

    def attempt(self, function: str) -> None:
        """Note that an update is about to be sent."""
        move = self._moves[function]
        if move.attempted_at is None:
            move.attempted_at = datetime.now(UTC)
            self._changed = True

    def record(self, step: Step) -> None:
        """Note what AWS answered about a move."""
        self._note_waiting(step.task.function, step.waits_for)
        if step.seen is not None:
            self.seen[step.task.function] = step.seen
            self._fresh.append(step.seen)
            self._changed = True
        if step.ended or step.outcome is not MoveOutcome.PENDING:
            self._note(self._moves[step.task.function], step)

    def skip(self, task: Task) -> None:
        """Note that a move was not tried, or given up before AWS took it."""
        self._note_waiting(task.function, "")
        self._set(self._moves[task.function], MoveOutcome.NOT_ATTEMPTED, task.problem)

    def refuse(self, problems: dict[str, str], error: str) -> None:
        """Note that nothing is moved at all: ``problems`` say why, by function."""
        for move in self._moves.values():
            problem = problems.get(move.function, "")
            outcome = MoveOutcome.FAILED if problem else MoveOutcome.NOT_ATTEMPTED
            self._set(move, outcome, problem)
        self.operation.error = error

    def give_up(self, error: str) -> None:
        """Note that AWS cannot be asked any more; what was sent and not answered is unknown."""
        for move in self.list_moves([MoveOutcome.PENDING]):
            sent = move.attempted_at is not None
            outcome = MoveOutcome.UNKNOWN if sent else MoveOutcome.NOT_ATTEMPTED
            self._set(move, outcome, error if sent else "")
        self.operation.error = error

    def commit(self) -> None:
        """Write what is new in one transaction, and show that this process is alive.

        :raises BusyError: another process took the operation over.
        """
        now = datetime.now(UTC)
        if now - self._beat_at >= timedelta(seconds=HEARTBEAT_S):
            self._beat(now)
        elif not self._changed:
            return
        self._refresh_aliases()
        db.session.commit()
        self._changed = False
        if self._tell is not None:
            self._tell(self.operation.progress)

    def finish(self) -> Operation:
        """Close the journal with the end status; from here on nothing can be changed.

        :raises BusyError: another process took the operation over.
        """
        self._beat(datetime.now(UTC))
        self._refresh_aliases()
        db.session.flush()  # once the operation has ended, the database refuses to change its moves
        operation = self.operation
        operation.status = find_end_status(move.ending for move in operation.moves)
        operation.error = operation.error or self._summarise()
        operation.finished_at = datetime.now(UTC)
        if operation.project_id is not None:
            track_live(operation.project_id, operation.finished_at)
        db.session.commit()
        self._log()
        return operation

    def _note_waiting(self, function: str, why: str) -> None:
        """Say in the operation what it waits for, as long as AWS does not answer."""
        if why:
            since, _ = self._waiting.get(function, (datetime.now(UTC), ""))
            self._waiting[function] = (since, why)
        else:
            self._waiting.pop(function, None)
        said = _say_waiting(list(self._waiting.values()))
        if said == self.operation.error:
            return
        if not self.operation.error:
            log.warning("operation.waiting", operation=self.operation.id, error=why)
        self.operation.error = said
        self._changed = True

    def _note(self, move: Move, step: Step) -> None:
        outcome, detail = step.outcome, step.detail
        if move.function in self._putting_back:
            outcome, detail = self._read_as_put_back(move, step)
        self._set(move, outcome, detail)
        move.verified_at = datetime.now(UTC) if step.verified else None
        if not step.ended:
            move.finished_at = None

    def _read_as_put_back(self, move: Move, step: Step) -> tuple[MoveOutcome, str]:
        """Say what an answer means when the aim was the start."""
        earlier, detail = self._putting_back[move.function]
        if step.outcome is MoveOutcome.UNCHANGED and earlier is MoveOutcome.UNKNOWN:
            return MoveOutcome.FAILED, detail
        if step.outcome in (*_ACCEPTED, MoveOutcome.UNCHANGED):
            return MoveOutcome.PUT_BACK, step.detail
        if step.outcome is MoveOutcome.UNKNOWN:
            return MoveOutcome.UNKNOWN, step.detail
        return self._read_as_left(move, f"It could not be put back: {step.detail}")

    def _read_as_left(self, move: Move, detail: str) -> tuple[MoveOutcome, str]:
        """Say how a move stands that could not be put back: only what was seen counts."""
        seen = self.seen.get(move.function)
        if seen is None:
            return MoveOutcome.UNKNOWN, f"Where it is now is not known. {detail}"
        if seen.routing.serves_like(move.after):
            return MoveOutcome.MOVED, detail
        if seen.routing.serves_like(move.before):
            return MoveOutcome.PUT_BACK, detail
        return MoveOutcome.FAILED, detail

    def _set(self, move: Move, outcome: MoveOutcome, detail: str) -> None:
        move.outcome = outcome
        move.detail = detail
        move.finished_at = datetime.now(UTC)
        self._changed = True

    def _beat(self, now: datetime) -> None:
        result = db.session.execute(
            sa.update(Operation)
            .where(Operation.id == self.operation.id, Operation.owner == self._owner)
            .values(heartbeat_at=now)
            .execution_options(synchronize_session=False)
        )
        if cast("sa.CursorResult[Any]", result).rowcount == 0:
            db.session.rollback()
            raise BusyError("Another process took this operation over.")
        self._beat_at = now

    def _refresh_aliases(self) -> None:
        """Bring the alias rows up to date; a row that a sync took away meanwhile is left out."""
        if not self._fresh or self.operation.project_id is None:
            self._fresh.clear()
            return
        db.session.connection().execute(
            _UPDATE_ALIAS,
            [
                {
                    "of_project": self.operation.project_id,
                    "of_function": state.function,
                    "named": state.name,
                    "version": state.routing.version,
                    "weights": dict(state.routing.weights),
                    "revision_id": state.revision_id,
                }
                for state in self._fresh
            ],
        )
        self._fresh.clear()

    def _summarise(self) -> str:
        """Say in a sentence why the operation did not succeed; empty when it did."""
        if self.operation.status == OperationStatus.SUCCEEDED:
            return ""
        failed = self.list_moves(FAILED)
        if failed:
            first = failed[0]
            left = self._say_left()
            total = len(self._moves)
            return f"{len(failed)} of {total} failed. {left}{first.function}: {first.detail}"
        unseen = sum(1 for move in self.list_moves(_ACCEPTED) if move.verified_at is None)
        if unseen:
            return f"{unseen} of {len(self._moves)} were not seen at their targets in time."
        return "SAH was stopped before everything was moved."

    def _say_left(self) -> str:
        """Say how many moves should have been put back and were not; empty when none."""
        left = sum(1 for move in self.list_moves(MADE) if move.function in self._putting_back)
        return f"{left} could not be put back. " if left else ""

    def _log(self) -> None:
        progress = self.operation.progress
        log.info(
            "operation.finished",
            operation=self.operation.id,
            project=self.operation.project_name,
            status=str(self.operation.status),
            moved=progress.moved,
            failed=progress.failed,
        )


def _say_waiting(waiting: Sequence[tuple[datetime, str]]) -> str:
    """Say since when AWS does not answer, and why: what waits longest stands for all."""
    if not waiting:
        return ""
    since, why = waiting[0]
    count = f"{len(waiting)} function{'s' if len(waiting) > 1 else ''}"
    return f"Waiting for AWS since {since:%H:%M:%S} UTC, for {count}. {why} SAH keeps trying."


_UPDATE_ALIAS = (
    sa.update(FunctionAlias.__table__)  # type: ignore[arg-type]
    .where(
        sa.column("name") == sa.bindparam("named"),
        sa.column("function_id")
        == sa.select(Function.id)
        .where(
            Function.project_id == sa.bindparam("of_project"),
            Function.name == sa.bindparam("of_function"),
        )
        .scalar_subquery(),
    )
    .values(
        version=sa.bindparam("version"),
        weights=sa.bindparam("weights"),
        revision_id=sa.bindparam("revision_id"),
    )
)
