"""A project that is given another stack, or whose stack is made again, and its history."""

from datetime import timedelta

from sah.domain.deployments import DeploymentStatus
from sah.extensions import db
from sah.models import Deployment
from sah.services.projects import delete_project
from sah.services.retention import prune_snapshots
from sah.services.sync import sync_project
from tests.factories import make_project
from tests.services.story import CART, CHECKOUT, SEARCH, START, Story


def test_what_was_of_another_stack_is_let_go_and_its_line_stays(story: Story) -> None:
    story.ship(CART)
    waiting = story.report()
    story.aws.add_stack("bar", {"bar-till": 2})
    story.point_to("bar")
    assert story.get(waiting).status == DeploymentStatus.FAILED
    assert "another stack" in story.get(waiting).error
    assert "another stack" in story.get(2).error
    assert story.summary(2).active_for == timedelta(minutes=1, seconds=3)
    assert not story.summary(2).is_active
    story.sync()
    assert list(story.numbers()) == [1, 2, 3, 4]
    assert (story.versions(4), story.lived(), story.previous()) == ("2", [4], None)


def test_what_is_live_in_a_stack_is_noticed_though_the_other_one_changed_later(
    story: Story,
) -> None:
    story.aws.add_stack("bar", {"bar-till": 2})
    for _ in range(3):
        story.ship(CART)
    prune_snapshots(1)
    story.point_to("bar")
    story.sync()
    assert (story.versions(5), story.lived()[-1]) == ("2", 5)


def test_back_at_the_first_stack_all_that_is_live_is_known_again(story: Story) -> None:
    story.ship(CART)
    story.aws.add_stack("bar", {"bar-till": 2})
    story.point_to("bar")
    story.sync()
    story.point_to("shop")
    story.sync()
    assert story.versions(4) == "2 1 1"
    assert story.lived() == [4]
    number = story.ship(CHECKOUT)
    assert (story.get(number).changed, story.previous()) == ([CHECKOUT], 4)
    assert story.roll_back().error == ""


def test_a_project_that_is_deleted_takes_its_deployments_along(story: Story) -> None:
    story.aws.add_stack("bar", {"bar-till": 2})
    other = make_project(story.project.account, "bar")
    story.ship(CART)
    story.report()
    delete_project(story.project_id)
    rest = list(db.session.scalars(db.select(Deployment)))
    assert [one.project_id for one in rest] == [other.id]


def test_a_stack_that_is_made_again_goes_on_with_its_history(story: Story) -> None:
    story.ship(CART)
    story.aws.delete_stack("shop")
    sync_project(story.project_id)
    story.pass_time(days=1)
    story.aws.now = START + timedelta(days=2)
    story.aws.add_stack("shop", {CART: 1, CHECKOUT: 1})
    story.clock.move_to(story.aws.now + timedelta(seconds=5))
    number = story.report()
    story.capture()
    assert story.get(number).removed == [SEARCH]
    assert story.lived() == [1, 2, number]
