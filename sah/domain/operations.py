"""What an operation may be, and how it and each of its moves may end."""

from enum import StrEnum


class OperationKind(StrEnum):
    """Why aliases are moved."""

    SWITCH = "switch"
    ROLLBACK = "rollback"
    UNDO = "undo"


class OnFailure(StrEnum):
    """What to do with the moves that were made when another one fails."""

    PUT_BACK = "put_back"
    FINISH = "finish"


class OperationStatus(StrEnum):
    """Where an operation stands. Only ``queued`` and ``running`` ones are active."""

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
    """How one move ended; ``pending`` until it has."""

    PENDING = "pending"
    MOVED = "moved"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    NOT_ATTEMPTED = "not_attempted"
    PUT_BACK = "put_back"
