"""Back to a deployment: what is planned, what stands in the way, and what is left alone."""

import pytest

from sah.domain.errors import (
    AwsUnreachableError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RollbackImpossibleError,
    StalePlanError,
)
from sah.domain.operations import OperationKind, OperationStatus
from sah.extensions import db
from sah.models import Operation
from sah.services.operations import start_operation
from sah.services.rollback import PREVIOUS, parse_target, plan_rollback, request_rollback
from tests.services.story import CART, CHECKOUT, SEARCH, Story


def test_the_plan_is_the_snapshot(story: Story) -> None:
    story.ship(CART, CHECKOUT)
    found = plan_rollback(story.project_id, 1)
    assert {name: str(to) for name, to in found.target.items()} == {
        CART: "1",
        CHECKOUT: "1",
        SEARCH: "1",
    }
    assert [move.function for move in found.plan.moves] == [CART, CHECKOUT]
    assert (found.plan.unchanged, found.plan.untouched) == ((SEARCH,), ())
    assert found.blocked == {}


def test_it_is_written_down_with_the_deployment_that_it_goes_to(story: Story) -> None:
    story.ship(CART, CHECKOUT)
    operation = story.roll_back()
    assert operation.status == OperationStatus.SUCCEEDED
    assert (operation.kind, operation.deployment_number) == (OperationKind.ROLLBACK, 1)
    assert [story.serving(name) for name in (CART, CHECKOUT, SEARCH)] == ["1", "1", "1"]
    assert story.lived() == [1, 2, 1]


def test_functions_that_the_old_one_did_not_have_are_untouched(story: Story) -> None:
    story.aws.add_to_stack("shop", "shop-pay", 2)
    story.ship(CART)
    found = plan_rollback(story.project_id, 1)
    assert found.plan.untouched == ("shop-pay",)
    operation = story.roll_back(1)
    assert [move.function for move in operation.moves] == [CART]
    assert story.serving("shop-pay") == "2"


def test_one_that_serves_all_traffic_already_moves_nothing(story: Story) -> None:
    number = story.ship(CART)
    found = plan_rollback(story.project_id, number)
    assert found.plan.moves == ()
    with pytest.raises(InvalidInputError, match="Nothing would move"):
        story.roll_back(number)


def test_what_cannot_go_back_stops_it_unless_the_rest_is_wanted(story: Story) -> None:
    story.ship(CART, CHECKOUT)
    story.aws.delete_version(CART, "1")
    story.sync(full=True)
    found = plan_rollback(story.project_id, 1)
    assert found.blocked == {CART: "Version 1 was deleted."}
    with pytest.raises(RollbackImpossibleError, match=f"{CART}: Version 1 was deleted"):
        story.roll_back(1)
    assert db.session.query(Operation).count() == 0
    operation = story.roll_back(1, partial=True)
    assert [move.function for move in operation.moves] == [CHECKOUT]
    assert [story.serving(name) for name in (CART, CHECKOUT)] == ["2", "1"]


def test_what_serves_already_does_not_stand_in_the_way(story: Story) -> None:
    story.ship(CART)
    story.aws.change_version(SEARCH, "1", state="Failed", state_reason_code="FunctionError")
    story.sync(full=True)
    assert story.summary(1).problems.keys() == {SEARCH}
    assert plan_rollback(story.project_id, 1).blocked == {}
    assert story.roll_back(1).status == OperationStatus.SUCCEEDED


def test_when_nothing_can_go_back_every_reason_is_said(story: Story) -> None:
    story.ship()
    for name in (CART, CHECKOUT, SEARCH):
        story.aws.delete_version(name, "1")
    story.sync(full=True)
    with pytest.raises(RollbackImpossibleError, match="No function of #1") as caught:
        plan_rollback(story.project_id, 1)
    assert caught.value.hint is not None
    assert caught.value.hint.count("Version 1 was deleted.") == 3


def test_a_plan_that_somebody_saw_is_refused_once_the_aliases_moved(story: Story) -> None:
    story.ship(CART, CHECKOUT)
    seen = plan_rollback(story.project_id, 1).plan.fingerprint
    story.aws.set_alias(CART, "ACTIVE", "1")
    story.sync()
    fresh = plan_rollback(story.project_id, 1)
    request = request_rollback(fresh, reason="bad", requested_by="kim", fingerprint=seen)
    with pytest.raises(StalePlanError):
        start_operation(request)
    assert story.serving(CHECKOUT) == "2"


def test_what_has_not_been_read_yet_says_so(story: Story) -> None:
    number = story.report()
    with pytest.raises(ConflictError, match=f"What #{number} put live has not been read"):
        plan_rollback(story.project_id, number)
    story.aws.fail("DescribeStacks", AwsUnreachableError("AWS is away."))
    story.capture()
    with pytest.raises(ConflictError) as caught:
        plan_rollback(story.project_id, number)
    assert caught.value.hint == "AWS is away."


def test_what_failed_or_was_removed_says_so(story: Story) -> None:
    number = story.report()
    story.aws.delete_stack("shop")
    story.capture()
    with pytest.raises(ConflictError, match="AWS had no such stack"):
        plan_rollback(story.project_id, number)
    row = story.get(1)
    row.snapshot_id = None
    row.pruned_at = row.created_at
    db.session.commit()
    with pytest.raises(ConflictError, match="removed by the retention"):
        plan_rollback(story.project_id, 1)


def test_without_an_earlier_one_it_asks_for_a_name(story: Story) -> None:
    with pytest.raises(NotFoundError, match="not seen an earlier deployment"):
        plan_rollback(story.project_id)
    with pytest.raises(NotFoundError, match="no deployment #9"):
        plan_rollback(story.project_id, 9)


def test_a_number_that_became_one_with_another_leads_there(story: Story) -> None:
    story.deploy(CART)
    story.sync()
    number = story.report()
    story.capture()
    story.ship(CART)
    assert plan_rollback(story.project_id, 2).deployment.number == number


def test_other_aliases_stay(story: Story) -> None:
    story.ship(CART)
    story.aws.set_alias(CART, "BETA", "2")
    story.roll_back()
    db.session.remove()
    served = {state.name: str(state.routing) for state in story.aws.list_aliases(CART)}
    assert served == {"ACTIVE": "1", "BETA": "2"}


@pytest.mark.parametrize(
    ("text", "target"), [("41", 41), ("#41", 41), (" previous ", PREVIOUS), ("0", 0)]
)
def test_targets_are_read_as_people_write_them(text: str, target: int | str) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["", "#", "last", "-1", "1.5", "٤", "9" * 10, "##4"])
def test_what_names_no_deployment_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not the number of a deployment"):
        parse_target(text)
