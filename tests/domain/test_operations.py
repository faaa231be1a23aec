import pytest

from sah.domain.aliases import Routing
from sah.domain.operations import (
    MoveOutcome,
    OperationKind,
    OperationStatus,
    Progress,
    count_progress,
    find_end_status,
    judge_kind,
)

MOVED = (MoveOutcome.MOVED, True)
UNSEEN = (MoveOutcome.MOVED, False)
UNCHANGED = (MoveOutcome.UNCHANGED, True)
SWITCHING = (MoveOutcome.SWITCHING, False)
FAILED = (MoveOutcome.FAILED, False)
LEFT = (MoveOutcome.NOT_ATTEMPTED, False)
BACK = (MoveOutcome.PUT_BACK, True)
UNKNOWN = (MoveOutcome.UNKNOWN, False)


@pytest.mark.parametrize(
    ("endings", "status"),
    [
        ([MOVED, UNCHANGED], OperationStatus.SUCCEEDED),
        ([MOVED, UNSEEN], OperationStatus.PARTLY_MOVED),
        ([MOVED, SWITCHING], OperationStatus.PARTLY_MOVED),
        ([MOVED, FAILED], OperationStatus.PARTLY_MOVED),
        ([UNKNOWN, LEFT], OperationStatus.PARTLY_MOVED),
        ([BACK, FAILED, LEFT], OperationStatus.PUT_BACK),
        ([BACK, MOVED], OperationStatus.PARTLY_MOVED),
        ([FAILED, LEFT], OperationStatus.FAILED),
        ([FAILED, UNCHANGED], OperationStatus.FAILED),
    ],
)
def test_an_end_is_one_of_four(
    endings: list[tuple[MoveOutcome, bool]], status: OperationStatus
) -> None:
    assert find_end_status(endings) == status
    assert find_end_status(reversed(endings)) == status


def test_progress_counts_what_is_there() -> None:
    progress = count_progress([MOVED, UNSEEN, FAILED, BACK, (MoveOutcome.PENDING, False)])
    assert progress == Progress(total=5, moved=2, verified=1, failed=1, put_back=1)
    assert str(progress) == "moved 2 of 5"


def route(version: str, *weights: tuple[str, float]) -> Routing:
    return Routing(version, weights)


@pytest.mark.parametrize(
    ("moves", "kind"),
    [
        ([(route("7"), route("8"))], OperationKind.ROLL_FORWARD),
        ([(route("9"), route("10"))], OperationKind.ROLL_FORWARD),
        ([(route("8"), route("7"))], OperationKind.ROLLBACK),
        ([(route("7"), route("8")), (route("8"), route("7"))], OperationKind.ROLLBACK),
        ([(route("7", ("8", 0.1)), route("8"))], OperationKind.ROLL_FORWARD),
        ([(route("7", ("8", 0.1)), route("7"))], OperationKind.ROLLBACK),
        ([(route("7", ("9", 0.0)), route("8"))], OperationKind.ROLL_FORWARD),
        ([(route("$LATEST"), route("8"))], OperationKind.ROLLBACK),
        ([], OperationKind.ROLLBACK),
    ],
)
def test_the_versions_say_which_way_it_goes(
    moves: list[tuple[Routing, Routing]], kind: OperationKind
) -> None:
    assert judge_kind(moves) is kind
    assert judge_kind(reversed(moves)) is kind
