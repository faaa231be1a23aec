from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sah.domain.deployments import (
    Liveness,
    LivePeriodFacts,
    choose_previous_deployment,
    judge_liveness,
    sum_active,
)

START = datetime(2026, 3, 1, tzinfo=UTC)


def periods(*numbers: int, ended: bool = False) -> list[LivePeriodFacts]:
    """Let deployments be live one after the other, an hour each; the last one still is."""
    found = []
    for place, number in enumerate(numbers):
        began = START + timedelta(hours=place)
        is_over = ended or place < len(numbers) - 1
        found.append(
            LivePeriodFacts(number, began, began + timedelta(hours=1) if is_over else None)
        )
    return found


class TestPrevious:
    def test_it_is_the_last_one_that_was_wholly_live(self) -> None:
        assert choose_previous_deployment(periods(1, 2, 4), None) == 2

    def test_what_was_never_live_alone_is_none(self) -> None:
        assert choose_previous_deployment([], None) is None
        assert choose_previous_deployment(periods(7), None) is None

    def test_rolling_back_twice_goes_back_twice(self) -> None:
        assert choose_previous_deployment(periods(1, 2, 3, 2), 3) == 1
        assert choose_previous_deployment(periods(1, 2, 3, 2, 1), 3) is None

    def test_a_bad_deployment_that_was_rolled_back_is_skipped_by_the_next(self) -> None:
        assert choose_previous_deployment(periods(1, 2, 1, 3), None) == 1

    def test_from_one_that_was_never_live_before_it_does_not_go_forward(self) -> None:
        assert choose_previous_deployment(periods(2, 1), None) is None
        assert choose_previous_deployment(periods(3, 5, 4), None) == 3

    def test_while_a_newer_one_is_partly_live_the_last_wholly_live_is_gone_back_to(self) -> None:
        assert choose_previous_deployment(periods(1, 2, ended=True), 3) == 2

    def test_a_mixed_stack_without_anything_newer_goes_on_back(self) -> None:
        assert choose_previous_deployment(periods(1, 2, ended=True), 2) == 1
        assert choose_previous_deployment(periods(1, 2, ended=True), None) == 1

    @given(st.lists(st.integers(1, 30), max_size=40))
    def test_it_never_goes_forward_and_comes_to_an_end(self, numbers: list[int]) -> None:
        history = list(numbers)
        visited = []
        while (back := choose_previous_deployment(periods(*history), None)) is not None:
            assert back < history[-1]
            assert back in numbers
            visited.append(back)
            history.append(back)
        assert visited == sorted(set(visited), reverse=True)

    @given(st.lists(st.integers(1, 30), min_size=1, unique=True).map(sorted))
    def test_after_plain_deploys_each_step_goes_one_back(self, numbers: list[int]) -> None:
        history = list(numbers)
        for expected in reversed(numbers[:-1]):
            back = choose_previous_deployment(periods(*history), numbers[-1])
            assert back == expected
            history.append(back)


class TestLiveness:
    def test_all_of_it_serves(self) -> None:
        assert judge_liveness("ab", "ab", "a", superseded=False) is Liveness.LIVE

    def test_something_that_it_changed_serves(self) -> None:
        assert judge_liveness("a", "ab", "a", superseded=False) is Liveness.PARTLY

    def test_only_what_it_left_unchanged_serves(self) -> None:
        assert judge_liveness("b", "ab", "a", superseded=False) is Liveness.NOT_LIVE

    def test_what_a_newer_one_left_unchanged_does_not_count(self) -> None:
        assert judge_liveness("a", "ab", "a", superseded=True) is Liveness.NOT_LIVE

    def test_the_same_as_a_newer_one_is_live_too(self) -> None:
        assert judge_liveness("ab", "ab", "", superseded=True) is Liveness.LIVE

    def test_nothing_published_is_not_live(self) -> None:
        assert judge_liveness("", "", "", superseded=False) is Liveness.NOT_LIVE


class TestActive:
    def test_what_was_never_seen_live_has_no_time(self) -> None:
        assert sum_active([], START) is None

    def test_periods_add_up_and_the_open_one_counts_until_now(self) -> None:
        now = START + timedelta(hours=5)
        assert sum_active(periods(1, 1, 1), now) == timedelta(hours=1 + 1 + 3)
