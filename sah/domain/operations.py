"""What an operation may be, and how it and each of its moves may end."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from sah.domain.aliases import Routing


class OperationKind(StrEnum):
    """Why aliases are moved.

    ``rollback`` and ``roll_forward`` go to a deployment. ``undo`` takes another operation
    back, whichever way that went; ``rest`` retries what another one did not move.
    """

    SWITCH = "switch"
    ROLLBACK = "rollback"
    ROLL_FORWARD = "roll_forward"
    UNDO = "undo"
    REST = "rest"


class OnFailure(StrEnum):
    """What to do with the moves that were made when another one fails."""

    PUT_BACK = "put_back"
    FINISH = "finish"


class OperationStatus(StrEnum):
    """Where an operation stands. Only ``queued`` and ``running`` ones are active.

    ``put_back``: everything is where it was before. ``partly_moved``: some moves
    were made and kept, or nobody can tell. ``failed``: nothing moved.
    """

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PUT_BACK = "put_back"
    PARTLY_MOVED = "partly_moved"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        """Say whether the operation may still move aliases."""
        return self in (OperationStatus.QUEUED, OperationStatus.RUNNING)


class MoveOutcome(StrEnum):
    """How one move ended; ``pending`` until it has.

    ``switching``: AWS took the move, but still sends traffic to both versions, as it
    does with provisioned concurrency (aws-facts 9). ``unknown``: AWS gave no answer
    and could not be read either, so nobody can tell.
    """

    PENDING = "pending"
    MOVED = "moved"
    SWITCHING = "switching"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    NOT_ATTEMPTED = "not_attempted"
    PUT_BACK = "put_back"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an operation is: of ``total`` moves, how many ended how."""

    total: int
    moved: int
    verified: int
    failed: int
    put_back: int

    def __str__(self) -> str:
        """Say it as a person would: ``moved 14 of 60``."""
        return f"moved {self.moved} of {self.total}"


def judge_kind(moves: Iterable[tuple[Routing, Routing]]) -> OperationKind:
    """Judge by the moves to a deployment whether that is a rollback or a roll forward.

    ``moves`` are where each alias sends its traffic and where it shall. It is a roll
    forward when no function gets an older version than any that serves it now. As soon as
    one does, it is a rollback, whatever the others get: so in a mixed stack too, and so
    when the newer half of a split is taken away. AWS counts versions up and gives no number
    twice, so the higher one is the newer; an alias on ``$LATEST`` serves the newest there is.
    """
    ways = [_is_newer_or_same(before, after) for before, after in moves]
    return OperationKind.ROLL_FORWARD if ways and all(ways) else OperationKind.ROLLBACK


def find_end_status(outcomes: Iterable[tuple[MoveOutcome, bool]]) -> OperationStatus:
    """Work out how an operation ended from each move's outcome and whether it was read back.

    ``succeeded`` means seen, not assumed: every alias was read at its target.
    """
    ended = list(outcomes)
    found = {outcome for outcome, _ in ended}
    if found <= {MoveOutcome.MOVED, MoveOutcome.UNCHANGED} and all(seen for _, seen in ended):
        return OperationStatus.SUCCEEDED
    if found & {MoveOutcome.MOVED, MoveOutcome.SWITCHING, MoveOutcome.UNKNOWN}:
        return OperationStatus.PARTLY_MOVED
    if MoveOutcome.PUT_BACK in found:
        return OperationStatus.PUT_BACK
    return OperationStatus.FAILED


def count_progress(outcomes: Iterable[tuple[MoveOutcome, bool]]) -> Progress:
    """Count the moves of an operation by how they ended so far."""
    ended = list(outcomes)
    return Progress(
        total=len(ended),
        moved=sum(1 for outcome, _ in ended if outcome in _AT_TARGET),
        verified=sum(1 for outcome, seen in ended if seen and outcome in _AT_TARGET),
        failed=sum(1 for outcome, _ in ended if outcome in _FAILED),
        put_back=sum(1 for outcome, _ in ended if outcome is MoveOutcome.PUT_BACK),
    )


def _is_newer_or_same(before: Routing, after: Routing) -> bool:
    return min(map(_rank, after.traffic)) >= max(map(_rank, before.traffic))


def _rank(version: str) -> float:
    return int(version) if version.isdecimal() else inf


_AT_TARGET = (MoveOutcome.MOVED, MoveOutcome.UNCHANGED)
_FAILED = (MoveOutcome.FAILED, MoveOutcome.UNKNOWN)
