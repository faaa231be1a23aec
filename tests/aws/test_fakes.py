"""The fake fails as it is told to, so that tests of services can rely on it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sah.aws.gateway import AccessKind, AccountAccess
from sah.domain.aliases import Routing
from sah.domain.errors import (
    AliasMovedError,
    AwsAccessDeniedError,
    AwsConflictError,
    AwsNotFoundError,
    AwsServerError,
)
from tests.fakes import Call, FakeAws, FakeConnections

LOST = AwsServerError("The answer was lost.")


@pytest.fixture
def aws() -> FakeAws:
    fake = FakeAws()
    fake.add_stack("shop-dev", {"cart": 2, "pay": 2})
    return fake


def test_calls_are_recorded_and_what_a_test_does_is_none(aws: FakeAws) -> None:
    assert aws.calls == []
    aws.list_aliases("cart")
    aws.update_alias("pay", "ACTIVE", Routing("1"))
    assert aws.calls == [Call("ListAliases", "cart"), Call("UpdateAlias", "pay")]
    assert aws.count("UpdateAlias") == aws.count("UpdateAlias", "pay") == 1
    assert aws.count("UpdateAlias", "cart") == 0


def test_a_call_fails_from_the_nth_on_as_often_as_told(aws: FakeAws) -> None:
    aws.fail("GetAlias", LOST, on_nth=2, times=2)
    outcomes = []
    for _ in range(4):
        try:
            aws.get_alias("cart", "ACTIVE")
            outcomes.append("fine")
        except AwsServerError:
            outcomes.append("lost")
    assert outcomes == ["fine", "lost", "lost", "fine"]


@pytest.mark.parametrize(("after_effect", "version"), [(False, "2"), (True, "1")])
def test_a_move_fails_before_or_after_its_effect(
    aws: FakeAws, after_effect: bool, version: str
) -> None:
    aws.fail("UpdateAlias", LOST, after_effect=after_effect, subject="cart")
    aws.update_alias("pay", "ACTIVE", Routing("1"))
    with pytest.raises(AwsServerError, match="lost"):
        aws.update_alias("cart", "ACTIVE", Routing("1"))
    assert aws.get_alias("cart", "ACTIVE").routing == Routing(version)


def test_a_denied_action_is_denied_and_shown_as_missing(aws: FakeAws) -> None:
    aws.deny("lambda:ListAliases")
    with pytest.raises(AwsAccessDeniedError, match="lambda:ListAliases"):
        aws.list_aliases("cart")
    missing = [check.action for check in aws.check_permissions() if not check.allowed]
    assert missing == ["lambda:ListAliases"]


def test_the_hook_may_change_the_world_between_reading_and_moving(aws: FakeAws) -> None:
    seen = aws.get_alias("cart", "ACTIVE")
    aws.hook = lambda call: call.name == "UpdateAlias" and aws.set_alias("cart", "ACTIVE", "1")
    with pytest.raises(AliasMovedError):
        aws.update_alias("cart", "ACTIVE", Routing("2"), seen.revision_id)


def test_of_many_moves_with_one_revision_one_wins(aws: FakeAws) -> None:
    seen = aws.get_alias("cart", "ACTIVE")

    def move(_: int) -> bool:
        try:
            aws.update_alias("cart", "ACTIVE", Routing("1"), seen.revision_id)
        except AliasMovedError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(move, range(50))) == 1


def test_a_version_that_an_alias_uses_is_kept(aws: FakeAws) -> None:
    aws.set_alias("cart", "ACTIVE", "1", ("2", 0.1))
    for version in ("1", "2"):
        with pytest.raises(AwsConflictError):
            aws.delete_version("cart", version)


def test_a_removed_function_is_gone_from_its_stack(aws: FakeAws) -> None:
    before = aws.get_stack("shop-dev")
    aws.remove_function("shop-dev", "cart")
    assert [function.name for function in aws.get_stack_content("shop-dev").functions] == ["pay"]
    assert aws.get_stack("shop-dev").changed_at > before.changed_at
    with pytest.raises(AwsNotFoundError):
        aws.list_versions("cart")


def test_a_version_can_be_made_unable_to_serve(aws: FakeAws) -> None:
    aws.change_version("cart", "1", state="Inactive", state_reason_code="Idle")
    assert aws.get_version("cart", "1").state == "Inactive"
    assert aws.get_version("cart", "2").state == "Active"


def test_connections_open_the_fake_of_the_region() -> None:
    connections = FakeConnections()
    connections.regions["eu-west-2"] = FakeAws(region="eu-west-2")
    here = AccountAccess(AccessKind.DEFAULT_CHAIN, "eu-west-1")
    there = AccountAccess(AccessKind.DEFAULT_CHAIN, "eu-west-2")
    assert connections.open(here) is connections.aws
    assert connections.open(there, urgent=True).region == "eu-west-2"
    assert connections.opened == [(here, False), (there, True)]
