"""What the gateway's values work out by themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from sah.aws.gateway import Stack

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def stack(status: str, minutes: int) -> Stack:
    """Make a stack that was updated so many minutes after its creation, if at all."""
    updated_at = AT + timedelta(minutes=minutes) if minutes else None
    return Stack("shop", "arn:shop", status, AT, updated_at)


@pytest.mark.parametrize(
    ("root", "nested", "status", "minutes"),
    [
        (stack("CREATE_COMPLETE", 0), [], "CREATE_COMPLETE", 0),
        (stack("CREATE_COMPLETE", 0), [stack("UPDATE_COMPLETE", 5)], "UPDATE_COMPLETE", 5),
        (stack("UPDATE_COMPLETE", 9), [stack("UPDATE_ROLLBACK_COMPLETE", 5)], "UPDATE_COMPLETE", 9),
        (
            stack("UPDATE_COMPLETE", 3),
            [stack("UPDATE_COMPLETE", 1), stack("UPDATE_ROLLBACK_COMPLETE", 5)],
            "UPDATE_ROLLBACK_COMPLETE",
            5,
        ),
        (
            stack("UPDATE_ROLLBACK_FAILED", 3),
            [stack("UPDATE_ROLLBACK_COMPLETE", 4)],
            "UPDATE_ROLLBACK_FAILED",
            4,
        ),
        (
            stack("UPDATE_COMPLETE", 8),
            [stack("UPDATE_IN_PROGRESS", 5), stack("UPDATE_COMPLETE", 9)],
            "UPDATE_IN_PROGRESS",
            9,
        ),
        (stack("DELETE_IN_PROGRESS", 8), [stack("UPDATE_COMPLETE", 9)], "DELETE_IN_PROGRESS", 9),
    ],
)
def test_nested_stacks_count_as_their_root(
    root: Stack, nested: list[Stack], status: str, minutes: int
) -> None:
    whole = root.including(*nested)
    assert (whole.status, whole.changed_at) == (status, AT + timedelta(minutes=minutes))
    assert (whole.name, whole.stack_id, whole.created_at) == ("shop", "arn:shop", AT)
