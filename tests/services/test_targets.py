"""Known before the incident: which deployments can be gone back to, and why not."""

import pytest

from sah.domain.errors import AwsServerError
from sah.services.snapshots import READY_DEPLOYMENTS
from sah.services.targets import look_at_targets
from tests.services.story import CART, CHECKOUT, SEARCH, Story


def problems(story: Story, number: int = 1) -> dict[str, str]:
    return story.summary(number).problems


def look(story: Story, number: int = 1) -> None:
    deployment, project = story.get(number), story.project
    look_at_targets(project, deployment)


def test_a_deployment_is_ready_when_every_function_is(story: Story) -> None:
    story.ship(CART)
    found = story.summary(1)
    assert (found.is_ready, found.ready_count, len(found.entries)) == (True, 3, 3)


def test_each_obstacle_has_its_sentence(story: Story) -> None:
    story.aws.add_to_stack("shop", "shop-pay", 1)
    story.aws.add_to_stack("shop", "shop-mail", 1)
    story.ship(CART)
    second = story.ship()
    story.aws.delete_version(CART, "2")
    story.aws.change_version(CHECKOUT, "1", state="Inactive", state_reason_code="Idle")
    story.aws.change_version(SEARCH, "1", state="Failed", state_reason="no image")
    story.aws.delete_alias("shop-pay", "ACTIVE")
    story.aws.delete_function("shop-mail")
    story.sync(full=True)
    assert problems(story, 2) == {
        CART: "Version 2 was deleted.",
        CHECKOUT: "Version 1 was idle for long: the first calls may fail while AWS wakes it.",
        SEARCH: "Version 1 cannot run: no image",
        "shop-mail": "The function is gone from the stack.",
        "shop-pay": "It has no alias ACTIVE.",
    }
    found = story.summary(2)
    assert (found.ready_count, len(found.entries), found.is_ready) == (0, 5, False)
    assert problems(story, second).keys() == {"shop-mail", "shop-pay"}


def test_what_a_light_sync_leaves_out_a_full_one_tells(story: Story) -> None:
    story.ship(CART)
    story.sync()
    story.aws.delete_version(CART, "1")
    story.sync()
    assert problems(story) == {}
    story.pass_time(minutes=15)
    story.sync()
    assert problems(story) == {CART: "Version 1 was deleted."}


def test_only_a_closer_look_tells_the_state(story: Story) -> None:
    story.aws.lists_states = False
    story.ship(CART)
    story.aws.change_version(CART, "1", state="Inactive", state_reason_code="Idle")
    story.sync(full=True)
    assert problems(story).keys() == {CART}
    story.aws.change_version(CART, "1", state="Active", state_reason_code="")
    story.sync(full=True)
    assert problems(story) == {}


def test_those_that_changed_nothing_push_none_out_of_the_newest_twenty(story: Story) -> None:
    story.aws.lists_states = False
    story.ship(CART)
    for _ in range(READY_DEPLOYMENTS + 5):
        story.report()
    story.capture()
    story.aws.change_version(CART, "1", state="Inactive", state_reason_code="Idle")
    story.sync(full=True)
    assert problems(story).keys() == {CART}


def test_an_older_one_is_looked_at_when_it_is_opened(story: Story) -> None:
    story.aws.lists_states = False
    for _ in range(READY_DEPLOYMENTS):
        story.ship(CART)
    story.aws.change_version(CART, "1", state="Inactive", state_reason_code="Idle")
    story.aws.delete_version(CART, "2")
    story.sync(full=True)
    assert problems(story) == {}
    looks = story.aws.count("GetFunction")
    look(story)
    look(story)
    assert story.aws.count("GetFunction") == looks + 3
    assert problems(story).keys() == {CART}


def test_opening_one_sees_that_a_version_was_deleted_since(story: Story) -> None:
    story.ship(CART)
    story.aws.delete_version(CART, "1")
    look(story)
    assert problems(story) == {CART: "Version 1 was deleted."}


def test_what_aws_does_not_answer_stays_as_known(story: Story) -> None:
    story.ship(CART)
    story.aws.fail("GetFunction", AwsServerError("AWS failed."), times=3)
    look(story)
    assert problems(story) == {}


def test_a_deployment_without_a_snapshot_asks_aws_nothing(story: Story) -> None:
    number = story.report()
    calls = len(story.aws.calls)
    look(story, number)
    assert len(story.aws.calls) == calls
    assert story.summary(number).entries == ()
    assert not story.summary(number).is_ready


@pytest.mark.parametrize("full", [False, True])
def test_a_deployment_can_become_ready_again(story: Story, *, full: bool) -> None:
    story.ship(CART)
    story.aws.delete_alias(CART, "ACTIVE")
    story.sync(full=full)
    assert problems(story) == {CART: "It has no alias ACTIVE."}
    story.aws.set_alias(CART, "ACTIVE", "2")
    story.sync(full=full)
    assert problems(story) == {}
