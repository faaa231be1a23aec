"""How stacks are walked and read: by name, whatever the order, and whatever is missing."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.model import StringShape
from hypothesis import given
from hypothesis import strategies as st

from sah.aws.boto import STACK_STATUSES, BotoGateway
from sah.aws.gateway import StackFunction
from sah.aws.parsing import to_alias, to_mapping_trigger, to_stack_functions, to_version
from sah.domain.aliases import Routing
from sah.domain.errors import AwsNotFoundError
from sah.domain.triggers import Trigger, TriggerOrigin

if TYPE_CHECKING:
    from sah.aws.clients import Clients

ARN = "arn:aws:lambda:eu-west-1:123456789012:function"


def resource(
    kind: str, logical_id: str, physical_id: str = "", status: str = "CREATE_COMPLETE"
) -> Any:  # noqa: ANN401 - stands for botocore's TypedDict
    item = {
        "ResourceType": f"AWS::{kind}",
        "LogicalResourceId": logical_id,
        "ResourceStatus": status,
    }
    return item | {"PhysicalResourceId": physical_id} if physical_id else item


def function(name: str, **more: str) -> Any:  # noqa: ANN401 - as above
    return resource("Lambda::Function", f"{name.capitalize()}LambdaFunction", name, **more)


def version(name: str, number: int | str, **more: str) -> Any:  # noqa: ANN401 - as above
    return resource("Lambda::Version", f"V{name}{number}", f"{ARN}:{name}:{number}", **more)


def nested(stack_id: str) -> Any:  # noqa: ANN401 - as above
    return resource("CloudFormation::Stack", "Nested", stack_id)


def gateway_to(stacks: dict[str, list[Any]]) -> BotoGateway:
    """Make a gateway to stacks that are given by their resources, one a page."""

    def paginate(StackName: str) -> Iterator[dict[str, object]]:  # noqa: N803 - botocore's
        if StackName not in stacks:
            text = f"Stack {StackName} does not exist"
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": text}}, "ListStackResources"
            )
        for item in stacks[StackName]:
            yield {"StackResourceSummaries": [item]}

    paginator = SimpleNamespace(paginate=paginate)
    cloudformation = SimpleNamespace(get_paginator=lambda _: paginator)
    return BotoGateway(cast("Clients", SimpleNamespace(cloudformation=cloudformation)))


def test_nested_stacks_are_walked_once_even_in_a_circle() -> None:
    gateway = gateway_to(
        {
            "shop": [function("cart"), nested("arn:child")],
            "arn:child": [function("pay"), nested("arn:grandchild")],
            "arn:grandchild": [function("hook"), nested("arn:child")],
        }
    )
    content = gateway.get_stack_content("shop")
    assert [f.name for f in content.functions] == ["cart", "hook", "pay"]
    assert content.nested == {"arn:child", "arn:grandchild"}


def test_a_nested_stack_that_is_gone_does_not_hide_its_parent() -> None:
    gateway = gateway_to({"shop": [nested("arn:gone"), function("cart")]})
    assert [f.name for f in gateway.get_stack_content("shop").functions] == ["cart"]


def test_a_stack_that_is_gone_is_not_found() -> None:
    with pytest.raises(AwsNotFoundError, match="stack shop"):
        gateway_to({}).get_stack_content("shop")


def test_what_was_never_made_deleted_or_left_behind_is_skipped() -> None:
    gateway = gateway_to(
        {
            "shop": [
                resource("Lambda::Function", "Failed", status="CREATE_FAILED"),
                resource("CloudFormation::Stack", "NestedFailed", status="CREATE_FAILED"),
                function("old", status="DELETE_COMPLETE"),
                function("cart", status="UPDATE_FAILED"),
                version("cart", 8, status="DELETE_SKIPPED"),
                version("cart", 7),
            ]
        }
    )
    assert gateway.get_stack_content("shop").functions == (
        StackFunction("cart", "CartLambdaFunction", "7"),
    )


def test_while_a_deploy_runs_the_newer_version_counts_by_number() -> None:
    items = [function("cart"), version("cart", 10), version("cart", 9)]
    assert to_stack_functions(items)[0].published_version == "10"


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.integers(0, 99), max_size=8),
    st.randoms(use_true_random=False),
)
def test_versions_are_matched_by_name_in_any_order(numbers: dict[str, int], shuffler: Any) -> None:  # noqa: ANN401 - random.Random
    items = [function(name) for name in numbers]
    items += [version(name, number) for name, number in numbers.items() if number]
    items.append(version("elsewhere", 5))
    shuffler.shuffle(items)
    found = {f.name: f.published_version for f in to_stack_functions(items)}
    assert found == {name: str(number or "") for name, number in numbers.items()}


def test_stacks_of_every_status_but_deleted_are_offered() -> None:
    model = botocore.session.get_session().get_service_model("cloudformation")
    known = model.shape_for("StackStatus")
    assert isinstance(known, StringShape)
    assert set(STACK_STATUSES) == set(known.enum) - {"DELETE_COMPLETE"}


def test_weights_are_sorted_and_nothing_is_left_out_but_zeros() -> None:
    alias = to_alias(
        "cart",
        cast(
            "Any",
            {
                "Name": "ACTIVE",
                "FunctionVersion": "7",
                "RoutingConfig": {"AdditionalVersionWeights": {"9": 0.0, "8": 0.1}},
            },
        ),
    )
    assert alias.routing == Routing("7", (("8", 0.1),))


@pytest.mark.parametrize("routing", [{}, {"RoutingConfig": {}}], ids=str)
def test_an_alias_without_weights_sends_all_to_its_version(routing: dict[str, object]) -> None:
    alias = to_alias("cart", cast("Any", {"Name": "ACTIVE", "FunctionVersion": "7"} | routing))
    assert alias.routing == Routing("7")


def test_a_version_from_an_image_has_no_runtime_or_handler() -> None:
    found = to_version(
        "cart", cast("Any", {"Version": "7", "LastModified": "2026-03-01T12:00:00.123+0000"})
    )
    assert (found.runtime, found.handler, found.state) == ("", "", "")
    assert found.modified_at.isoformat() == "2026-03-01T12:00:00.123000+00:00"


@pytest.mark.parametrize(
    ("item", "kind", "source"),
    [
        ({"EventSourceArn": "arn:aws:sqs:eu-west-1:1:q"}, "SQS", "arn:aws:sqs:eu-west-1:1:q"),
        (
            {"EventSourceArn": "arn:aws:dynamodb:eu-west-1:1:table/t/stream/s"},
            "DynamoDB stream",
            "arn:aws:dynamodb:eu-west-1:1:table/t/stream/s",
        ),
        (
            {
                "EventSourceArn": "arn:aws:rds:eu-west-1:1:cluster:c",
                "DocumentDBEventSourceConfig": {},
            },
            "DocumentDB",
            "arn:aws:rds:eu-west-1:1:cluster:c",
        ),
        (
            {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a:1", "b:1"]}}},
            "Kafka",
            "a:1,b:1",
        ),
    ],
)
def test_mappings_name_their_source(item: dict[str, object], kind: str, source: str) -> None:
    found = to_mapping_trigger(cast("Any", item | {"FunctionArn": f"{ARN}:cart:ACTIVE"}))
    assert found == Trigger("cart", kind, source, "ACTIVE", TriggerOrigin.MAPPING)


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        ("Creating", True),
        ("Enabling", True),
        ("Enabled", True),
        ("Updating", True),
        ("Disabling", False),
        ("Disabled", False),
        ("Deleting", False),
    ],
)
def test_a_mapping_is_on_unless_it_is_being_turned_off(state: str, enabled: bool) -> None:
    item = {"FunctionArn": f"{ARN}:cart", "EventSourceArn": "arn:aws:sqs:r:1:q", "State": state}
    found = to_mapping_trigger(cast("Any", item))
    assert found is not None
    assert found.enabled is enabled


def test_a_mapping_to_something_else_is_left_out() -> None:
    assert to_mapping_trigger(cast("Any", {"FunctionArn": "arn:aws:states:r:1:x"})) is None
