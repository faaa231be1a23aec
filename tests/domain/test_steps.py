"""The rules that the tests of the engine cannot reach, or not one by one."""

from datetime import UTC, datetime

import pytest

from sah.domain.aliases import AliasState, Routing
from sah.domain.errors import (
    AliasMovedError,
    AwsAccessDeniedError,
    AwsServerError,
    AwsThrottledError,
)
from sah.domain.operations import MoveOutcome
from sah.domain.steps import Patience, Phase, Rules, Task

NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
PATIENCE = Patience(tries=3, looks=4)
RULES = Rules(PATIENCE, stopping=False, now=NOW)
TASK = Task("cart", "ACTIVE", Routing("8"), Routing("7"), "rev-1")
LOST = AwsServerError("internal")


def state(version: str, *weights: tuple[str, float]) -> AliasState:
    return AliasState("cart", "ACTIVE", Routing(version, weights), "rev-2")


def test_delays_double_up_to_a_limit() -> None:
    delays = [Patience().delay_s(count) for count in range(1, 9)]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_an_accepted_update_is_read_back_by_the_cheaper_call() -> None:
    step = RULES.next_step(TASK, state("7"))
    assert (step.ended, step.outcome, step.task.phase) == (False, MoveOutcome.MOVED, Phase.CHECK)
    assert step.task.revision_id == "rev-2"


def test_throttling_waits_longer_each_time_and_ends() -> None:
    task, delays = TASK, []
    for _ in range(2):
        step = RULES.next_step(task, AwsThrottledError("too many"))
        task = step.task
        delays.append(step.delay_s)
    assert delays == [0.25, 0.5]
    ended = RULES.next_step(task, AwsThrottledError("too many"))
    assert (ended.ended, ended.outcome, ended.detail) == (True, MoveOutcome.FAILED, "too many")


def test_a_retry_carries_the_revision_that_was_just_read() -> None:
    looking = RULES.next_step(TASK, LOST).task
    assert (looking.phase, looking.in_doubt) == (Phase.LOOK, True)
    again = RULES.next_step(looking, state("8")).task
    assert (again.phase, again.revision_id) == (Phase.UPDATE, "rev-2")


def test_who_gives_up_in_doubt_fences_once() -> None:
    looking = RULES.next_step(RULES.next_step(TASK, LOST).task, state("8")).task
    refused = RULES.next_step(looking, AwsAccessDeniedError("no")).task
    assert (refused.phase, refused.giving_up) == (Phase.LOOK, True)
    fence = RULES.next_step(refused, state("8")).task
    assert fence.phase is Phase.FENCE
    landed = RULES.next_step(fence, AliasMovedError("moved")).task
    assert landed.phase is Phase.LOOK
    assert RULES.next_step(landed, state("7")).outcome is MoveOutcome.MOVED
    ended = RULES.next_step(landed, state("8"))
    assert (ended.ended, ended.outcome, ended.detail) == (True, MoveOutcome.FAILED, "no")


def test_when_others_failed_nothing_is_sent_again() -> None:
    stopping = Rules(PATIENCE, stopping=True, now=NOW)
    looking = stopping.next_step(TASK, AliasMovedError("moved")).task
    assert stopping.next_step(looking, state("8")).ended


def test_the_winner_is_named() -> None:
    looking = RULES.next_step(TASK, AliasMovedError("moved")).task
    ended = RULES.next_step(looking, state("9"))
    assert ended.detail == "It was moved by someone else to version 9 at 12:00:05 UTC or before."


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (state("7"), MoveOutcome.MOVED),
        (state("7", ("8", 0.4)), MoveOutcome.SWITCHING),
        (state("8", ("7", 0.4)), MoveOutcome.SWITCHING),
        (state("8"), MoveOutcome.PENDING),  # a reading that lags behind
        (state("9"), MoveOutcome.FAILED),
        (state("7", ("9", 0.4)), MoveOutcome.FAILED),
    ],
)
def test_what_is_seen_after_an_accepted_update(seen: AliasState, outcome: MoveOutcome) -> None:
    confirming = RULES.next_step(RULES.next_step(TASK, state("7")).task, "8").task
    assert confirming.phase is Phase.CONFIRM
    assert RULES.next_step(confirming, seen).outcome is outcome


def test_an_alias_that_goes_on_showing_the_start_was_moved_back() -> None:
    task = RULES.next_step(RULES.next_step(TASK, state("7")).task, "8").task
    for _ in range(2):
        step = RULES.next_step(task, state("8"))
        assert not step.ended
        task = step.task
    ended = RULES.next_step(task, state("8"))
    assert ended.detail.startswith("SAH moved it, then it was moved by someone else to version 8")
