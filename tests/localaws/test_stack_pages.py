"""CloudFormation's pages: a caller who does not follow them sees a part."""

import pytest

from tests.localaws.conftest import REGION, Client, refuse
from tests.localaws.stacks import body, ids, service, status, upload

TOPIC = {"Type": "AWS::SNS::Topic"}
ROUTE = {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": "x"}}


@pytest.fixture
def big(cfn: Client, s3: Client) -> dict[str, str]:
    """A stack of 260 resources with 70 functions."""
    upload(s3, "A", "B")
    names = [f"function-{number}" for number in range(70)]
    rest = {f"Route{number}": ROUTE for number in range(50)}
    cfn.create_stack(StackName="demo", TemplateBody=body(service("A", *names) | rest))
    cfn.update_stack(StackName="demo", TemplateBody=body(service("B", *names) | rest))
    return ids(cfn)


def test_a_big_stack_is_listed_in_pages(cfn: Client, lam: Client, big: dict[str, str]) -> None:
    assert len(big) == 260
    first = cfn.list_stack_resources(StackName="demo")
    assert len(first["StackResourceSummaries"]) == 100
    assert first["NextToken"]
    assert len(cfn.describe_stack_resources(StackName="demo")["StackResources"]) == 100
    events = cfn.get_paginator("describe_stack_events").paginate(StackName="demo")
    assert next(len(page["StackEvents"]) for page in events) == 100
    shown = lam.get_alias(FunctionName="function-69", Name="ACTIVE")
    assert shown["FunctionVersion"] == "2"


def test_shows_one_resource(cfn: Client) -> None:
    cfn.create_stack(StackName="demo", TemplateBody=body({"T": TOPIC, "U": TOPIC}))
    one = cfn.describe_stack_resource(StackName="demo", LogicalResourceId="T")
    shown = one["StackResourceDetail"]
    assert (shown["ResourceType"], shown["ResourceStatus"]) == (
        "AWS::SNS::Topic",
        "CREATE_COMPLETE",
    )
    found = cfn.describe_stack_resources(StackName="demo", LogicalResourceId="U")
    assert [each["LogicalResourceId"] for each in found["StackResources"]] == ["U"]
    refused = refuse(cfn.describe_stack_resource, StackName="demo", LogicalResourceId="V")
    assert refused == ("ValidationError", 400)


def test_stacks_come_in_pages(cfn: Client) -> None:
    for number in range(105):
        cfn.create_stack(StackName=f"stack-{number}", TemplateBody=body({"T": TOPIC}))
    assert len(cfn.describe_stacks()["Stacks"]) == 50
    pages = cfn.get_paginator("describe_stacks").paginate()
    assert len([stack for page in pages for stack in page["Stacks"]]) == 105
    assert len(cfn.list_stacks()["StackSummaries"]) == 100
    pages = cfn.get_paginator("list_stacks").paginate(StackStatusFilter=["CREATE_COMPLETE"])
    assert len({each["StackId"] for page in pages for each in page["StackSummaries"]}) == 105
    assert refuse(cfn.list_stacks, NextToken="what?") == ("ValidationError", 400)


def test_events_tell_the_story_newest_first(cfn: Client) -> None:
    cfn.create_stack(StackName="demo", TemplateBody=body({"T": TOPIC}))
    events = cfn.describe_stack_events(StackName="demo")["StackEvents"]
    assert [(each["LogicalResourceId"], each["ResourceStatus"]) for each in events] == [
        ("demo", "CREATE_COMPLETE"),
        ("T", "CREATE_COMPLETE"),
        ("demo", "CREATE_IN_PROGRESS"),
    ]
    assert events[1]["PhysicalResourceId"].startswith(f"arn:aws:sns:{REGION}:123456789012:demo-T-")
    assert status(cfn) == "CREATE_COMPLETE"
