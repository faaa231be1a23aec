"""Which deployment has all of the traffic, since when, and what “roll back” means then."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from sah.domain.deployments import Liveness, LivePeriodFacts, choose_previous_deployment
from sah.extensions import db
from sah.models import Deployment, LivePeriod
from sah.services.live import list_deciding_periods
from sah.services.rollback import find_previous, plan_rollback
from sah.services.standing import read_standing
from tests.services.story import CART, CHECKOUT, SEARCH, START, Story

LIVE, PARTLY, NOT_LIVE = Liveness


def test_each_deploy_takes_over_from_the_one_before(story: Story) -> None:
    began = datetime.now(UTC)
    second, third = story.ship(CART), story.ship(CHECKOUT)
    assert story.lived() == [1, second, third]
    assert [story.summary(n).liveness for n in (1, 2, 3)] == [NOT_LIVE, NOT_LIVE, LIVE]
    assert [story.summary(n).is_active for n in (1, 2, 3)] == [False, False, True]
    story.pass_time(hours=3)
    spans = [story.summary(n).active_for for n in (1, 2, 3)]
    assert None not in spans
    first = story.get(1)
    assert sum((s for s in spans if s), timedelta()) == datetime.now(UTC) - first.deployed_at
    assert first.deployed_at < began


def test_rolling_back_twice_goes_back_twice_and_then_ends(story: Story) -> None:
    second, third = story.ship(CART), story.ship(CHECKOUT)
    assert story.previous() == second
    story.roll_back()
    assert (story.lived()[-1], story.previous()) == (second, 1)
    story.roll_back()
    assert (story.lived(), story.previous()) == ([1, second, third, second, 1], None)
    assert story.serving(CART) == "1"


def test_after_a_rollback_and_a_good_deploy_the_bad_one_is_skipped(story: Story) -> None:
    bad = story.ship(CART)
    story.roll_back()
    good = story.ship(CART, CHECKOUT, SEARCH)
    assert story.lived() == [1, bad, 1, good]
    assert story.previous() == 1


def test_rolling_forward_makes_the_newest_live_again(story: Story) -> None:
    second = story.ship(CART)
    story.roll_back()
    story.roll_back(second)
    assert story.lived() == [1, second, 1, second]
    assert story.previous() == 1
    assert story.summary(second).liveness is LIVE


@pytest.mark.parametrize(
    "numbers", [(1,), (1, 2), (1, 2, 3, 2), (1, 2, 1, 3), (2, 1), (3, 1, 3, 2, 3), (1, 3, 2, 3, 2)]
)
@pytest.mark.parametrize("is_over", [False, True])
def test_two_periods_decide_like_all_of_them(
    story: Story, numbers: tuple[int, ...], *, is_over: bool
) -> None:
    story.ship(CART)
    story.ship(CHECKOUT)
    db.session.execute(sa.delete(LivePeriod))
    db.session.commit()
    for place, number in enumerate(numbers, 1):
        ended_at = START + timedelta(hours=place + 1)
        row = LivePeriod(
            project_id=story.project_id,
            deployment_id=story.get(number).id,
            began_at=START + timedelta(hours=place),
            ended_at=ended_at if is_over or place < len(numbers) else None,
        )
        db.session.add(row)
        db.session.commit()
    found = list_deciding_periods(story.project_id)
    every = [LivePeriodFacts(number, START) for number in numbers[:-1]]
    assert len(found) <= 2
    for partly in (None, 1, 2, 3):
        expected = choose_previous_deployment([*every, found[-1]], partly)
        assert choose_previous_deployment(found, partly) == expected
    assert (found[-1].number, found[-1].ended_at is not None) == (numbers[-1], is_over)


def test_a_move_by_somebody_else_is_seen_by_the_next_sync(story: Story) -> None:
    second = story.ship(CART)
    story.aws.set_alias(CART, "ACTIVE", "1")
    story.sync()
    assert story.lived() == [1, second, 1]
    assert story.previous() is None


def test_a_mixed_stack_has_nothing_wholly_live(story: Story) -> None:
    second = story.ship(CART, CHECKOUT)
    story.switch(cart="1")
    assert story.lived() == [1, second, 0]
    assert [story.summary(n).liveness for n in (1, second)] == [PARTLY, PARTLY]
    assert story.previous() == 1


def test_a_split_alias_is_not_wholly_live(story: Story) -> None:
    second = story.ship(CART)
    story.aws.set_alias(CART, "ACTIVE", "2", ("1", 0.1))
    story.sync()
    assert story.lived() == [1, second, 0]
    story.aws.set_alias(CART, "ACTIVE", "2", ("1", 0.0))
    story.sync()
    assert story.lived() == [1, second, second]


def test_what_the_next_deploy_leaves_rolled_back_makes_a_mixed_stack(story: Story) -> None:
    """Functions that a deploy did not change stay where a rollback put them (aws-facts 11)."""
    second = story.ship(CART, CHECKOUT)
    story.roll_back()
    third = story.ship(CART)
    found = story.summary(third)
    assert (found.liveness, found.deployment.elsewhere) == (PARTLY, {CHECKOUT: "1"})
    assert story.lived() == [1, second, 1, 0]
    assert story.previous() == 1


def test_of_deployments_with_the_same_snapshot_the_one_that_changed_something_lives(
    story: Story,
) -> None:
    second = story.ship(CART)
    again = story.report()
    story.capture()
    assert story.lived() == [1, second]
    assert story.summary(again).liveness is LIVE
    assert story.previous() == 1


def test_a_stack_that_is_gone_serves_nothing(story: Story) -> None:
    story.aws.delete_stack("shop")
    story.sync()
    assert story.lived() == [1, 0]
    assert not story.summary(1).is_active


def test_a_function_that_is_gone_makes_its_deployment_no_longer_live(story: Story) -> None:
    second = story.ship(CART)
    story.aws.delete_function(SEARCH)
    story.sync(full=True)
    assert story.lived() == [1, second, 0]


def test_another_alias_in_the_settings_counts_at_once(story: Story) -> None:
    second = story.ship(CART)
    for name in (CART, CHECKOUT, SEARCH):
        story.aws.set_alias(name, "STABLE", "1")
    story.sync()
    assert story.lived() == [1, second]
    story.point_to("shop", "STABLE")
    assert story.lived() == [1, second, 1]
    assert [story.summary(n).liveness for n in (1, second)] == [LIVE, NOT_LIVE]
    story.point_to("shop", "NOPE")
    assert story.lived() == [1, second, 1, 0]
    assert story.summary(1).problems[CART] == "It has no alias NOPE."


def test_a_deployment_that_is_far_back_is_found_to_be_live(story: Story) -> None:
    for _ in range(3):
        story.ship(CART)
    story.roll_back(1)
    row = story.get(4)
    facts = {"project_id": row.project_id, "snapshot_id": row.snapshot_id, "status": row.status}
    db.session.execute(
        sa.insert(Deployment),
        [{**facts, "number": n, "deployed_at": row.deployed_at} for n in range(5, 1005)],
    )
    db.session.commit()
    story.aws.set_alias(CART, "ACTIVE", "2")
    story.sync()
    assert story.lived() == [1, 2, 3, 4, 1, 2]


def test_what_was_pruned_is_not_gone_back_to(story: Story) -> None:
    second, third = story.ship(CART), story.ship(CART)
    row = story.get(second)
    row.snapshot_id, row.pruned_at = None, datetime.now(UTC)
    db.session.commit()
    assert story.previous() == 1
    assert story.summary(second).active_for is not None
    assert find_previous(story.project_id) is not None
    assert story.summary(third).liveness is LIVE


class TestOvertaken:
    """Deployed, reported, and replaced before SAH could look."""

    def overtake(self, story: Story, *changed: str) -> int:
        story.deploy(*changed)
        return story.report()

    def skipped(self, story: Story) -> list[int]:
        return list(read_standing(story.project_id).unseen)

    def test_previous_names_those_that_it_skips(self, story: Story) -> None:
        late = [self.overtake(story, CART) for _ in range(2)]
        nothing = story.report()
        last = story.ship(CHECKOUT)
        assert story.get(nothing).no_change
        assert (story.lived(), story.previous()) == ([1, last], 1)
        assert self.skipped(story) == late[::-1]
        assert list(plan_rollback(story.project_id).unseen) == late[::-1]
        assert list(plan_rollback(story.project_id, 1).unseen) == late[::-1]
        assert list(plan_rollback(story.project_id, late[0]).unseen) == []

    def test_one_that_was_gone_back_to_was_seen(self, story: Story) -> None:
        late = self.overtake(story, CART)
        last = story.ship(CHECKOUT)
        assert self.skipped(story) == [late]
        story.roll_back(late)
        assert (story.previous(), self.skipped(story)) == (1, [])
        story.roll_back(last)
        assert self.skipped(story) == []
        assert story.summary(late).active_for is not None

    def test_in_a_mixed_stack_they_are_named_too(self, story: Story) -> None:
        late = self.overtake(story, CART)
        story.ship(CHECKOUT)
        story.aws.set_alias(CHECKOUT, "ACTIVE", "1")
        story.aws.set_alias(CART, "ACTIVE", "1", ("2", 0.5))
        story.sync()
        assert story.lived()[-1] == 0
        assert (story.previous(), self.skipped(story)) == (1, [late])

    def test_those_that_are_newer_than_what_is_live_are_not_named(self, story: Story) -> None:
        self.overtake(story, CART)
        story.ship(CHECKOUT)
        story.roll_back(1)
        assert (story.previous(), self.skipped(story)) == (None, [])


@pytest.mark.parametrize("number", [1, 2])
def test_going_back_from_one_that_was_never_live_before_is_never_forward(
    story: Story, number: int
) -> None:
    quiet = story.ship(CART, activate=False)
    newest = story.ship(CART)
    story.roll_back(quiet if number == 2 else 1)
    assert story.previous() == (1 if number == 2 else None)
    assert newest == 3
