import pytest

from sah.domain.operations import (
    MoveOutcome,
    OperationStatus,
    Progress,
    count_progress,
    find_end_status,
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
