"""What differs between two deployments, or one and what is live."""

import pytest

from sah.domain.comparison import Difference
from sah.domain.errors import ConflictError, InvalidInputError, NotFoundError
from sah.extensions import db
from sah.services.comparison import LIVE, Comparison, compare_deployments, parse_side
from tests.services.story import CART, CHECKOUT, SEARCH, Story


def versions(found: Comparison) -> dict[str, tuple[str | None, str | None]]:
    return {
        row.function: (
            row.before.version if row.before else None,
            row.after.version if row.after else None,
        )
        for row in found.rows
    }


def test_only_what_differs_is_shown_and_the_rest_counted(story: Story) -> None:
    story.ship(CART)
    story.ship(CART, CHECKOUT)
    found = compare_deployments(story.project_id, 1, 3)
    assert versions(found) == {CART: ("1", "3"), CHECKOUT: ("1", "2")}
    assert found.same == 1
    assert [row.differences[0].what for row in found.rows] == ["code", "code"]


def test_functions_that_came_and_went_have_one_side(story: Story) -> None:
    story.aws.remove_function("shop", SEARCH)
    story.aws.add_to_stack("shop", "shop-pay", 3)
    story.ship(CART)
    found = compare_deployments(story.project_id, 1, 2)
    assert versions(found) == {CART: ("1", "2"), "shop-pay": (None, "3"), SEARCH: ("1", None)}


def test_configuration_is_compared_without_any_value(story: Story) -> None:
    tools = story.aws.publish_layer("tools")
    story.aws.configure(CART, environment={"KEY": "s1", "OLD": "x", "SAME": "on"})
    before = story.ship(CART)
    story.aws.configure(CART, environment={"KEY": "s2", "NEW": "y", "SAME": "on"}, layers=[tools])
    after = story.ship(CART)
    (row,) = compare_deployments(story.project_id, before, after).rows
    assert row.differences[1:] == (
        Difference("layers", "none", "tools:1"),
        Difference("variable KEY", "one value", "another value"),
        Difference("variable NEW", "not set", "set"),
        Difference("variable OLD", "set", "not set"),
    )
    assert row.before is not None
    assert row.after is not None
    assert not {"s1", "s2", "x", "y", "on"} & {
        *(row.before.environment or {}).values(),
        *(row.after.environment or {}).values(),
    }


def test_what_is_live_is_a_side(story: Story) -> None:
    story.ship(CART, CHECKOUT)
    assert versions(compare_deployments(story.project_id, LIVE, 2)) == {}
    story.switch(cart="1")
    found = compare_deployments(story.project_id, LIVE, 2)
    assert (found.before, versions(found)) == (None, {CART: ("1", "2")})
    assert versions(compare_deployments(story.project_id, 2, LIVE)) == {CART: ("2", "1")}


def test_a_version_that_was_deleted_can_still_be_compared(story: Story) -> None:
    story.ship(CART)
    story.aws.delete_version(CART, "1")
    story.sync(full=True)
    assert versions(compare_deployments(story.project_id, 1, LIVE)) == {CART: ("1", "2")}


def test_what_is_not_known_says_why(story: Story) -> None:
    number = story.report()
    with pytest.raises(ConflictError, match=f"What #{number} put live is not known"):
        compare_deployments(story.project_id, number, 1)
    with pytest.raises(NotFoundError):
        compare_deployments(story.project_id, 1, 99)
    db.session.remove()


@pytest.mark.parametrize(("text", "side"), [("live", LIVE), (" #3 ", 3), ("3", 3)])
def test_sides_are_read_as_people_write_them(text: str, side: int | str) -> None:
    assert parse_side(text) == side


def test_a_side_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        parse_side("dead")
