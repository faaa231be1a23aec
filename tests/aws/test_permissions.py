"""The list of IAM actions is what SAH really calls, and trying them out changes nothing."""

import inspect
import json
from collections.abc import Callable

import pytest

from sah.aws.gateway import AwsGateway, PermissionCheck
from sah.aws.permissions import (
    NEEDS_NO_PERMISSION,
    PERMISSIONS,
    Scope,
    find_action,
    policy_document,
)
from sah.aws.probes import PROBE_NAME, PROBES
from sah.domain.aliases import Routing
from sah.domain.errors import AwsCredentialsError, AwsUnreachableError
from tests.aws.world import LocalWorld

ACTIONS = [permission.action for permission in PERMISSIONS]
FUNCTION_ACTIONS = [p.action for p in PERMISSIONS if p.scope is Scope.FUNCTION]
DENIED = {"status": 403, "code": "AccessDeniedException", "message": "no", "times": 999}

# One use of each method of the gateway but ``check_permissions``.
USES: dict[str, Callable[[AwsGateway], object]] = {
    "get_identity": lambda g: g.get_identity(),
    "list_stacks": lambda g: g.list_stacks(),
    "get_stack": lambda g: g.get_stack("shop-dev"),
    "get_stack_content": lambda g: g.get_stack_content("shop-dev"),
    "list_versions": lambda g: g.list_versions("shop-dev-cart"),
    "list_aliases": lambda g: g.list_aliases("shop-dev-cart"),
    "list_policy_triggers": lambda g: g.list_policy_triggers("shop-dev-cart", "ACTIVE"),
    "list_mapping_triggers": lambda g: g.list_mapping_triggers(),
    "get_alias": lambda g: g.get_alias("shop-dev-cart", "ACTIVE"),
    "get_version": lambda g: g.get_version("shop-dev-cart", "ACTIVE"),
    "update_alias": lambda g: g.update_alias("shop-dev-cart", "ACTIVE", Routing("1")),
    "create_alias": lambda g: g.create_alias("shop-dev-cart", "live", "1"),
}


@pytest.fixture
def shop(local: LocalWorld) -> LocalWorld:
    """A stack with one function; what was called so far is forgotten."""
    local.add_stack("shop-dev", {"shop-dev-cart": 1})
    local.aws.calls.clear()
    return local


def deny(local: LocalWorld, *actions: str, function: str = "") -> None:
    for action in actions:
        call = action.partition(":")[2]
        if function:
            local.aws.fail_next(call, match=lambda p: p.get("FunctionName") == function, **DENIED)  # type: ignore[arg-type]
        else:
            local.aws.fail_next(call, **DENIED)  # type: ignore[arg-type]


def answers(checks: tuple[PermissionCheck, ...]) -> dict[str, bool | None]:
    return {check.action: check.allowed for check in checks}


def called(local: LocalWorld) -> set[str]:
    return {f"{call.service}:{call.operation}" for call in local.aws.calls}


def test_every_method_of_the_gateway_is_used_here() -> None:
    methods = {name for name, _ in inspect.getmembers(AwsGateway, inspect.isfunction)}
    assert {name for name in methods if not name.startswith("_")} == {*USES, "check_permissions"}


def test_the_list_has_exactly_the_actions_that_the_gateway_calls(shop: LocalWorld) -> None:
    for use in USES.values():
        use(shop.gateway)
    assert called(shop) == {*ACTIONS, *NEEDS_NO_PERMISSION}


def test_every_permission_is_tried_and_nothing_else_is_called(shop: LocalWorld) -> None:
    assert set(PROBES) == set(ACTIONS)
    shop.gateway.check_permissions("shop-dev")
    assert called(shop) == set(ACTIONS)


def test_trying_out_changes_nothing(shop: LocalWorld) -> None:
    before = shop.gateway.list_aliases("shop-dev-cart")
    assert answers(shop.gateway.check_permissions()) == dict.fromkeys(ACTIONS, True)
    assert shop.gateway.list_aliases("shop-dev-cart") == before
    assert PROBE_NAME not in {alias.name for alias in before}
    assert [v.version for v in shop.gateway.list_versions("shop-dev-cart")] == ["1"]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_missing_permission_on_a_named_stack_is_certain(shop: LocalWorld, action: str) -> None:
    deny(shop, action)
    checks = shop.gateway.check_permissions("shop-dev")
    assert answers(checks)[action] is False
    detail = next(check.detail for check in checks if check.action == action)
    assert action in detail


def test_a_missing_permission_is_certain_where_the_policy_allows_others(shop: LocalWorld) -> None:
    deny(shop, "lambda:UpdateAlias")
    found = answers(shop.gateway.check_permissions())
    assert found == dict.fromkeys(ACTIONS, True) | {"lambda:UpdateAlias": False}


def test_a_policy_that_may_be_limited_to_other_functions_is_not_called_wrong(
    shop: LocalWorld,
) -> None:
    deny(shop, *FUNCTION_ACTIONS)
    checks = shop.gateway.check_permissions()
    unsure = {check.action: check.detail for check in checks if check.allowed is None}
    assert list(unsure) == FUNCTION_ACTIONS
    assert all("shop-dev-cart" in detail for detail in unsure.values())


def test_a_function_that_the_policy_covers_is_searched_for(shop: LocalWorld) -> None:
    shop.add_stack("other", {"other-job": 1})
    deny(shop, *FUNCTION_ACTIONS, function="other-job")
    assert answers(shop.gateway.check_permissions()) == dict.fromkeys(ACTIONS, True)


def test_without_any_function_a_denial_cannot_be_told_from_a_limited_policy(
    local: LocalWorld,
) -> None:
    deny(local, *FUNCTION_ACTIONS)
    checks = local.gateway.check_permissions()
    unsure = [check for check in checks if check.allowed is None]
    assert [check.action for check in unsure] == FUNCTION_ACTIONS
    assert all("no function to try it on" in check.detail for check in unsure)


def test_no_permission_at_all_is_told_apart_from_a_failure(shop: LocalWorld) -> None:
    deny(shop, *ACTIONS)
    found = answers(shop.gateway.check_permissions())
    assert found["cloudformation:ListStacks"] is False
    assert found["lambda:ListEventSourceMappings"] is False
    assert True not in found.values()


def test_a_failure_of_aws_is_not_called_a_missing_permission(
    shop: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    shop.aws.fail_next("GetPolicy", status=500, times=99)
    assert answers(shop.gateway.check_permissions("shop-dev"))["lambda:GetPolicy"] is None


@pytest.mark.parametrize("stack", ["", "shop-dev"])
def test_credentials_that_aws_does_not_know_end_the_check(shop: LocalWorld, stack: str) -> None:
    shop.aws.fail_next("ListStacks", status=403, code="InvalidClientTokenId", times=9)
    with pytest.raises(AwsCredentialsError):
        shop.gateway.check_permissions(stack)


def test_an_aws_out_of_reach_ends_the_check(
    shop: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable() -> object:
        raise AwsUnreachableError("No answer.")

    monkeypatch.setattr(shop.gateway, "list_stacks", unreachable)
    with pytest.raises(AwsUnreachableError):
        shop.gateway.check_permissions()


def test_the_policy_allows_each_action_once_and_is_json() -> None:
    document = json.loads(json.dumps(policy_document("eu-west-1", "123456789012")))
    allowed = [action for statement in document["Statement"] for action in statement["Action"]]
    assert sorted(allowed) == sorted(ACTIONS)
    assert document["Version"] == "2012-10-17"
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}


def test_the_policy_is_as_narrow_as_iam_allows() -> None:
    statements = policy_document("eu-west-1", "123456789012")["Statement"]
    assert isinstance(statements, list)
    resources = {action: s["Resource"] for s in statements for action in s["Action"]}
    assert resources["lambda:UpdateAlias"] == "arn:aws:lambda:eu-west-1:123456789012:function:*"
    assert resources["cloudformation:DescribeStacks"] == (
        "arn:aws:cloudformation:eu-west-1:123456789012:stack/*"
    )
    assert [a for a, r in resources.items() if r == "*"] == [
        "cloudformation:ListStacks",
        "lambda:ListEventSourceMappings",
    ]


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("*", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_policy_is_for_the_part_of_aws_that_the_region_is_in(
    region: str, partition: str
) -> None:
    statements = policy_document(region)["Statement"]
    assert isinstance(statements, list)
    arns = [statement["Resource"] for statement in statements if statement["Resource"] != "*"]
    assert {arn.split(":")[1] for arn in arns} == {partition}


def test_an_unknown_call_is_its_own_action() -> None:
    assert find_action("UpdateAlias") == "lambda:UpdateAlias"
    assert find_action("DeleteEverything") == "DeleteEverything"
