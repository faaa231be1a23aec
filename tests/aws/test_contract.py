"""One suite for the fake and for boto3 with the embedded AWS, so that the fake cannot lie."""

from datetime import UTC, timedelta

import pytest

from sah.aws.gateway import AwsGateway
from sah.domain.aliases import Routing
from sah.domain.errors import (
    AliasMovedError,
    AwsConflictError,
    AwsError,
    AwsNotFoundError,
)
from sah.domain.triggers import Trigger, TriggerOrigin
from tests.aws.world import World

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"


def test_the_identity_is_an_account_and_an_arn(gateway: AwsGateway) -> None:
    identity = gateway.get_identity()
    assert identity.account_id == "123456789012"
    assert identity.arn.startswith("arn:aws:")


def test_everything_is_permitted_unless_denied(world: World, gateway: AwsGateway) -> None:
    world.add_stack("shop-dev", {"shop-dev-cart": 1})
    assert all(check.allowed for check in gateway.check_permissions())
    assert all(check.allowed for check in gateway.check_permissions("shop-dev"))
    assert [alias.name for alias in gateway.list_aliases("shop-dev-cart")] == ["ACTIVE"]


def test_no_stacks_at_first(gateway: AwsGateway) -> None:
    assert gateway.list_stacks() == []


def test_stacks_are_listed_by_name_from_all_pages(world: World, gateway: AwsGateway) -> None:
    names = [f"shop-{number:03}" for number in range(105)]
    for name in reversed(names):
        world.add_stack(name)
    assert [stack.name for stack in gateway.list_stacks()] == names


def test_a_deployed_stack_shows_what_happened_to_it(world: World, gateway: AwsGateway) -> None:
    world.add_stack("shop-dev", {"shop-dev-cart": 1})
    created = gateway.get_stack("shop-dev")
    assert (created.name, created.status) == ("shop-dev", "CREATE_COMPLETE")
    assert created.stack_id.startswith("arn:aws:cloudformation:eu-west-1:123456789012:stack/")
    assert created.created_at.utcoffset() == timedelta(0)
    assert created.created_at.tzinfo is UTC
    assert created.updated_at is None

    world.deploy("shop-dev", ["shop-dev-cart"])
    updated = gateway.get_stack("shop-dev")
    assert updated.status == "UPDATE_COMPLETE"
    assert updated.changed_at > created.changed_at
    assert updated.stack_id == created.stack_id
    assert gateway.list_stacks() == [updated]
    assert gateway.get_stack(updated.stack_id) == updated
    assert not updated.in_progress


def test_a_deleted_stack_is_gone(world: World, gateway: AwsGateway) -> None:
    world.add_stack("shop-dev", {"shop-dev-cart": 1})
    stack_id = gateway.get_stack("shop-dev").stack_id
    world.delete_stack("shop-dev")
    assert gateway.list_stacks() == []
    with pytest.raises(AwsNotFoundError):
        gateway.get_stack(stack_id)
    with pytest.raises(AwsNotFoundError):
        gateway.get_stack("shop-dev")
    with pytest.raises(AwsNotFoundError):
        gateway.get_stack_content("shop-dev")
    with pytest.raises(AwsNotFoundError):
        gateway.list_aliases("shop-dev-cart")


def test_a_stack_that_never_was_is_not_found(gateway: AwsGateway) -> None:
    with pytest.raises(AwsNotFoundError):
        gateway.get_stack("shop-dev")
    with pytest.raises(AwsNotFoundError):
        gateway.get_stack_content("shop-dev")


def test_functions_come_with_the_version_of_the_same_name(
    world: World, gateway: AwsGateway
) -> None:
    world.add_stack("shop-dev", {"shop-dev-pay": 2, "shop-dev-cart": 1, "shop-dev-hook": 0})
    found = gateway.get_stack_content("shop-dev").functions
    assert [(f.name, f.published_version) for f in found] == [
        ("shop-dev-cart", "1"),
        ("shop-dev-hook", ""),
        ("shop-dev-pay", "2"),
    ]
    assert len({function.logical_id for function in found}) == 3


def test_functions_of_a_large_stack_are_found_on_all_pages(
    world: World, gateway: AwsGateway
) -> None:
    names = [f"shop-dev-f{number:02}" for number in range(40)]
    world.add_stack("shop-dev", dict.fromkeys(names, 1))
    found = gateway.get_stack_content("shop-dev").functions
    assert [(f.name, f.published_version) for f in found] == [(name, "1") for name in names]


def test_nested_stacks_belong_to_their_parent(world: World, gateway: AwsGateway) -> None:
    world.add_stack("shop-dev", {"shop-dev-cart": 1})
    world.add_stack("shop-dev-nested", {"shop-dev-pay": 1}, parent="shop-dev")
    assert [stack.name for stack in gateway.list_stacks()] == ["shop-dev"]
    found = gateway.get_stack_content("shop-dev")
    assert [function.name for function in found.functions] == ["shop-dev-cart", "shop-dev-pay"]
    (nested,) = found.nested
    assert gateway.get_stack(nested).status == "CREATE_COMPLETE"


def test_a_nested_stack_that_is_deployed_alone_leaves_the_time_of_its_parent(
    world: World, gateway: AwsGateway
) -> None:
    world.add_stack("shop-dev", {"shop-dev-cart": 1})
    world.add_stack("shop-dev-nested", {"shop-dev-pay": 1}, parent="shop-dev")
    (nested,) = gateway.get_stack_content("shop-dev").nested
    root, before = gateway.get_stack("shop-dev"), gateway.get_stack(nested)
    world.deploy("shop-dev-nested", ["shop-dev-pay"])
    after = gateway.get_stack(nested)
    assert (after.status, after.changed_at > before.changed_at) == ("UPDATE_COMPLETE", True)
    assert gateway.get_stack("shop-dev") == root
    assert root.including(after).changed_at == after.changed_at
    functions = gateway.get_stack_content("shop-dev").functions
    assert functions[1].published_version == "2"


def test_a_deploy_moves_only_what_changed(world: World, gateway: AwsGateway) -> None:
    world.add_stack("shop-dev", {"shop-dev-cart": 2, "shop-dev-pay": 2})
    for function in ("shop-dev-cart", "shop-dev-pay"):
        gateway.update_alias(function, "ACTIVE", Routing("1"))
    world.deploy("shop-dev", ["shop-dev-cart"])
    assert gateway.get_alias("shop-dev-cart", "ACTIVE").routing == Routing("3")
    assert gateway.get_alias("shop-dev-pay", "ACTIVE").routing == Routing("1")
    functions = gateway.get_stack_content("shop-dev").functions
    published = {f.name: f.published_version for f in functions}
    assert published == {"shop-dev-cart": "3", "shop-dev-pay": "2"}


def test_versions_are_listed_newest_first_from_all_pages_without_latest(
    world: World, gateway: AwsGateway
) -> None:
    world.add_function("cart", versions=55)
    versions = gateway.list_versions("cart")
    assert [version.version for version in versions] == [str(n) for n in range(55, 0, -1)]
    assert len({version.code_sha256 for version in versions}) == 55


def test_a_version_tells_what_it_froze(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart", versions=2)
    version = gateway.list_versions("cart")[0]
    assert (version.function, version.version) == ("cart", "2")
    assert version.modified_at.tzinfo is UTC
    assert version.code_sha256
    assert version.code_size > 0
    assert version.runtime == "nodejs22.x"
    assert version.memory_size == 128
    assert version.timeout > 0
    assert version.handler == "index.handler"


def test_a_version_froze_its_layers_and_its_environment(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart")
    tools, fonts = world.publish_layer("tools"), world.publish_layer("fonts")
    world.configure("cart", environment={"TABLE": "carts", "KEY": "s3cret"}, layers=[tools, fonts])
    world.publish("cart")
    world.configure("cart", environment={"TABLE": "carts-2"})
    world.publish("cart")
    versions = {v.version: v for v in gateway.list_versions("cart")}
    assert [(v, versions[v].environment, versions[v].layers) for v in ("1", "2", "3")] == [
        ("1", (), ()),
        ("2", (("KEY", "s3cret"), ("TABLE", "carts")), (tools, fonts)),
        ("3", (("TABLE", "carts-2"),), ()),
    ]
    looked = gateway.get_version("cart", "2")
    assert (looked.environment, looked.layers) == (versions["2"].environment, (tools, fonts))


def test_no_repr_shows_the_value_of_a_variable(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart")
    world.configure("cart", environment={"KEY": "s3cret"})
    version = world.publish("cart")
    shown = f"{gateway.list_versions('cart')!r} {gateway.get_version('cart', version)!r}"
    assert f"version='{version}'" in shown
    assert "s3cret" not in shown


def test_a_deleted_version_is_gone_and_its_number_is_never_used_again(
    world: World, gateway: AwsGateway
) -> None:
    world.add_function("cart", versions=3)
    world.set_alias("cart", "ACTIVE", "1")
    world.delete_version("cart", "3")
    assert world.publish("cart") == "4"
    assert [v.version for v in gateway.list_versions("cart")] == ["4", "2", "1"]


@pytest.mark.parametrize("qualifier", ["2", "ACTIVE"])
def test_what_a_qualifier_serves(world: World, gateway: AwsGateway, qualifier: str) -> None:
    world.add_function("cart", versions=3)
    world.set_alias("cart", "ACTIVE", "2")
    version = gateway.get_version("cart", qualifier)
    listed = {v.version: v for v in gateway.list_versions("cart")}
    assert version.version == "2"
    assert version.code_sha256 == listed["2"].code_sha256
    assert version.state == "Active"
    assert version.last_update_status == "Successful"


def test_aliases_are_listed_by_name_with_weights(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart", versions=2)
    world.set_alias("cart", "canary", "1", ("2", 0.25))
    aliases = gateway.list_aliases("cart")
    assert [(alias.name, alias.routing) for alias in aliases] == [
        ("ACTIVE", Routing("2")),
        ("canary", Routing("1", (("2", 0.25),))),
    ]
    assert aliases == [gateway.get_alias("cart", alias.name) for alias in aliases]
    assert len({alias.revision_id for alias in aliases}) == 2


def test_many_aliases_are_listed_from_all_pages(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart")
    names = [f"a{number:03}" for number in range(60)]
    for name in names:
        world.set_alias("cart", name, "1")
    assert [alias.name for alias in gateway.list_aliases("cart")] == ["ACTIVE", *names]


def test_moving_an_alias_changes_where_it_points_and_its_revision(
    world: World, gateway: AwsGateway
) -> None:
    world.add_function("cart", versions=2)
    before = gateway.get_alias("cart", "ACTIVE")
    moved = gateway.update_alias("cart", "ACTIVE", Routing("1"), before.revision_id)
    assert moved.routing == Routing("1")
    assert moved.revision_id != before.revision_id
    assert gateway.get_alias("cart", "ACTIVE") == moved


def test_a_stale_revision_moves_nothing(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart", versions=3)
    seen = gateway.get_alias("cart", "ACTIVE")
    world.set_alias("cart", "ACTIVE", "2")
    with pytest.raises(AliasMovedError):
        gateway.update_alias("cart", "ACTIVE", Routing("1"), seen.revision_id)
    assert gateway.get_alias("cart", "ACTIVE").routing == Routing("2")


def test_without_a_revision_an_alias_moves_from_wherever_it_is(
    world: World, gateway: AwsGateway
) -> None:
    world.add_function("cart", versions=2)
    world.set_alias("cart", "ACTIVE", "1")
    assert gateway.update_alias("cart", "ACTIVE", Routing("2")).routing == Routing("2")


def test_leaving_a_canary_leaves_no_weight_behind(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart", versions=2)
    split = gateway.update_alias("cart", "ACTIVE", Routing("1", (("2", 0.1),)))
    assert split.routing == Routing("1", (("2", 0.1),))
    assert gateway.update_alias("cart", "ACTIVE", Routing("1")).routing == Routing("1")
    assert gateway.get_alias("cart", "ACTIVE").routing == Routing("1")


def test_a_weight_of_nothing_is_not_shown(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart", versions=2)
    moved = gateway.update_alias("cart", "ACTIVE", Routing("1", (("2", 0.0),)))
    assert moved.routing == Routing("1")
    assert gateway.get_alias("cart", "ACTIVE").routing == Routing("1")


@pytest.mark.parametrize(
    "routing",
    [
        Routing("1", (("2", 1.5),)),
        Routing("1", (("2", -0.1),)),
        Routing("1", (("1", 0.5),)),
        Routing("1", (("2", 0.1), ("3", 0.1))),
    ],
    ids=str,
)
def test_weights_that_make_no_sense_are_refused(
    world: World, gateway: AwsGateway, routing: Routing
) -> None:
    world.add_function("cart", versions=3)
    with pytest.raises(AwsError) as caught:
        gateway.update_alias("cart", "ACTIVE", routing)
    assert type(caught.value) is AwsError
    assert gateway.get_alias("cart", "ACTIVE").routing == Routing("3")


@pytest.mark.parametrize("routing", [Routing("9"), Routing("1", (("9", 0.5),))], ids=str)
def test_an_alias_cannot_point_to_a_version_that_is_gone(
    world: World, gateway: AwsGateway, routing: Routing
) -> None:
    world.add_function("cart", versions=2)
    with pytest.raises(AwsNotFoundError):
        gateway.update_alias("cart", "ACTIVE", routing)
    with pytest.raises(AwsNotFoundError):
        gateway.create_alias("cart", "other", "9")
    assert [alias.name for alias in gateway.list_aliases("cart")] == ["ACTIVE"]
    assert gateway.get_alias("cart", "ACTIVE").routing == Routing("2")


def test_a_new_alias_sends_all_traffic_to_its_version(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart", versions=2)
    made = gateway.create_alias("cart", "live", "1")
    assert (made.function, made.name, made.routing) == ("cart", "live", Routing("1"))
    assert made.revision_id
    assert gateway.get_alias("cart", "live") == made


def test_an_alias_that_is_there_is_not_made_again(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart", versions=2)
    with pytest.raises(AwsConflictError):
        gateway.create_alias("cart", "ACTIVE", "1")
    assert gateway.get_alias("cart", "ACTIVE").routing == Routing("2")


def test_what_does_not_exist_is_not_found(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart")
    for ask in (
        lambda: gateway.get_alias("cart", "nope"),
        lambda: gateway.get_alias("nope", "ACTIVE"),
        lambda: gateway.get_version("cart", "9"),
        lambda: gateway.get_version("cart", "nope"),
        lambda: gateway.get_version("nope", "1"),
        lambda: gateway.list_versions("nope"),
        lambda: gateway.list_aliases("nope"),
        lambda: gateway.update_alias("cart", "nope", Routing("1")),
        lambda: gateway.update_alias("nope", "ACTIVE", Routing("1")),
        lambda: gateway.create_alias("nope", "ACTIVE", "1"),
    ):
        with pytest.raises(AwsNotFoundError):
            ask()


def test_a_deleted_function_is_not_found(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart")
    world.delete_function("cart")
    with pytest.raises(AwsNotFoundError):
        gateway.list_versions("cart")


def test_without_a_policy_nothing_may_invoke(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart")
    assert gateway.list_policy_triggers("cart") == []
    assert gateway.list_policy_triggers("cart", "ACTIVE") == []
    assert gateway.list_policy_triggers("cart", "nope") == []
    assert gateway.list_policy_triggers("nope", "ACTIVE") == []


def test_each_qualifier_has_a_policy_of_its_own(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart")
    world.add_policy("cart", "ACTIVE", principal="sns.amazonaws.com", source=TOPIC)
    world.add_policy("cart", principal="apigateway.amazonaws.com")
    assert gateway.list_policy_triggers("cart", "ACTIVE") == [
        Trigger("cart", "SNS", TOPIC, "ACTIVE", TriggerOrigin.POLICY)
    ]
    assert gateway.list_policy_triggers("cart") == [
        Trigger("cart", "API Gateway", "apigateway.amazonaws.com", "", TriggerOrigin.POLICY)
    ]


def test_a_mapping_keeps_the_alias_that_it_was_made_with(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart")
    world.add_function("pay")
    world.add_mapping("cart", "ACTIVE", QUEUE)
    world.add_mapping("pay", "", QUEUE, enabled=False)
    found = sorted(gateway.list_mapping_triggers(), key=lambda trigger: trigger.function)
    assert found == [
        Trigger("cart", "SQS", QUEUE, "ACTIVE", TriggerOrigin.MAPPING),
        Trigger("pay", "SQS", QUEUE, "", TriggerOrigin.MAPPING, enabled=False),
    ]


def test_mappings_are_listed_from_all_pages(world: World, gateway: AwsGateway) -> None:
    world.add_function("cart")
    for number in range(105):
        world.add_mapping("cart", "ACTIVE", f"{STREAM}-{number}")
    triggers = gateway.list_mapping_triggers()
    assert {trigger.source for trigger in triggers} == {f"{STREAM}-{n}" for n in range(105)}
    assert {trigger.kind for trigger in triggers} == {"Kinesis"}
