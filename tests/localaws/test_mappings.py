"""Event source mappings keep the alias that they were made for."""

import pytest

from tests.localaws.conftest import Client, Clients, create_function, make_zip, publish, refuse
from tests.localaws.stacks import body

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:hello"
CLUSTER = "arn:aws:kafka:eu-west-1:123456789012:cluster/demo/abc"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"


@pytest.fixture(autouse=True)
def hello(lam: Client) -> None:
    create_function(lam)
    publish(lam, 2)
    lam.create_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")


def make_queue(clients: Clients, name: str = "orders") -> str:
    clients.get("sqs").create_queue(QueueName=name)
    return f"arn:aws:sqs:eu-west-1:123456789012:{name}"


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("hello", ARN),
        ("hello:ACTIVE", f"{ARN}:ACTIVE"),
        (f"{ARN}:ACTIVE", f"{ARN}:ACTIVE"),
        ("123456789012:function:hello:ACTIVE", f"{ARN}:ACTIVE"),
        ("hello:2", f"{ARN}:2"),
    ],
)
def test_keeps_the_qualifier(lam: Client, clients: Clients, name: str, arn: str) -> None:
    made = lam.create_event_source_mapping(FunctionName=name, EventSourceArn=make_queue(clients))
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (made["FunctionArn"], made["State"], made["BatchSize"]) == (arn, "Enabled", 10)
    lam.update_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="2")
    assert lam.get_event_source_mapping(UUID=made["UUID"])["FunctionArn"] == arn


def test_takes_any_source(lam: Client) -> None:
    made = lam.create_event_source_mapping(
        FunctionName="hello", EventSourceArn=CLUSTER, Topics=["a"], StartingPosition="LATEST"
    )
    assert (made["EventSourceArn"], made["Topics"]) == (CLUSTER, ["a"])
    own = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["broker:9092"]}}
    made = lam.create_event_source_mapping(FunctionName="hello", SelfManagedEventSource=own)
    assert made["SelfManagedEventSource"] == own
    assert "EventSourceArn" not in made


def test_a_name_finds_what_is_mapped_to_exactly_that(lam: Client) -> None:
    for name in ("hello", "hello:ACTIVE"):
        lam.create_event_source_mapping(FunctionName=name, EventSourceArn=STREAM)
    for name, arn in (("hello", ARN), ("hello:ACTIVE", f"{ARN}:ACTIVE"), (ARN, ARN)):
        found = lam.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        assert [each["FunctionArn"] for each in found] == [arn]
    assert len(lam.list_event_source_mappings()["EventSourceMappings"]) == 2
    assert len(lam.list_event_source_mappings(EventSourceArn=STREAM)["EventSourceMappings"]) == 2
    other = lam.list_event_source_mappings(EventSourceArn=CLUSTER)
    assert other["EventSourceMappings"] == []


def test_lists_in_pages_of_a_hundred(lam: Client, cfn: Client) -> None:
    mappings = {
        f"Mapping{number}": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"FunctionName": "hello", "EventSourceArn": f"{STREAM}-{number}"},
        }
        for number in range(130)
    }
    cfn.create_stack(StackName="demo", TemplateBody=body(mappings))
    assert len(lam.list_event_source_mappings(MaxItems=1000)["EventSourceMappings"]) == 100
    pages = lam.get_paginator("list_event_source_mappings").paginate()
    found = {each["UUID"] for page in pages for each in page["EventSourceMappings"]}
    assert len(found) == 130


def test_points_a_mapping_at_the_alias_and_changes_it(lam: Client, clients: Clients) -> None:
    source = make_queue(clients)
    made = lam.create_event_source_mapping(FunctionName="hello", EventSourceArn=source)
    changed = lam.update_event_source_mapping(
        UUID=made["UUID"], FunctionName="hello:ACTIVE", BatchSize=5, Enabled=False
    )
    assert changed["FunctionArn"] == f"{ARN}:ACTIVE"
    assert (changed["BatchSize"], changed["State"]) == (5, "Disabled")
    gone = lam.delete_event_source_mapping(UUID=made["UUID"])
    assert gone["State"] == "Deleting"
    refused = refuse(lam.get_event_source_mapping, UUID=made["UUID"])
    assert refused == ("ResourceNotFoundException", 404)


def test_refuses_what_aws_refuses(lam: Client, clients: Clients) -> None:
    source = make_queue(clients)
    lam.create_event_source_mapping(FunctionName="hello", EventSourceArn=source)
    create = lam.create_event_source_mapping
    again = {"FunctionName": "hello", "EventSourceArn": source}
    assert refuse(create, **again) == ("ResourceConflictException", 409)
    nobody = again | {"FunctionName": "hello:NOBODY"}
    assert refuse(create, **nobody) == ("ResourceNotFoundException", 404)
    nowhere = again | {"EventSourceArn": f"{source}-nowhere"}
    assert refuse(create, **nowhere) == ("InvalidParameterValueException", 400)
    for call in (lam.delete_event_source_mapping, lam.update_event_source_mapping):
        assert refuse(call, UUID="0" * 36) == ("ResourceNotFoundException", 404)


def test_a_topic_reaches_the_version_behind_the_alias(lam: Client, clients: Clients) -> None:
    sqs, sns = clients.get("sqs"), clients.get("sns")
    make_queue(clients, "out")
    out = sqs.get_queue_url(QueueName="out")["QueueUrl"]
    code = (
        "import boto3\n"
        "def main(event, context):\n"
        "    word = event['Records'][0]['Sns']['Message'] + context.function_version\n"
        f"    boto3.client('sqs').send_message(QueueUrl={out!r}, MessageBody=word)\n"
    )
    lam.update_function_configuration(FunctionName="hello", Timeout=10)
    lam.update_function_code(FunctionName="hello", ZipFile=make_zip(code), Publish=True)
    lam.update_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="3")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=f"{ARN}:ACTIVE")
    sns.publish(TopicArn=topic, Message="version ")
    answers = sqs.receive_message(QueueUrl=out, WaitTimeSeconds=10)["Messages"]
    assert [answer["Body"] for answer in answers] == ["version 3"]


def test_a_queue_reaches_the_version_behind_the_alias(lam: Client, clients: Clients) -> None:
    sqs = clients.get("sqs")
    source, reply = make_queue(clients, "in"), make_queue(clients, "out")
    out = sqs.get_queue_url(QueueName=reply.rpartition(":")[2])["QueueUrl"]
    code = (
        "import boto3\n"
        "def main(event, context):\n"
        "    sqs = boto3.client('sqs')\n"
        f"    sqs.send_message(QueueUrl={out!r}, MessageBody=context.function_version)\n"
    )
    lam.update_function_code(FunctionName="hello", ZipFile=make_zip(code), Publish=True)
    lam.update_function_configuration(FunctionName="hello", Timeout=10)
    lam.publish_version(FunctionName="hello")
    lam.update_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="4")
    lam.create_event_source_mapping(FunctionName="hello:ACTIVE", EventSourceArn=source)
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="in")["QueueUrl"], MessageBody="go")
    answers = sqs.receive_message(QueueUrl=out, WaitTimeSeconds=10)["Messages"]
    assert [answer["Body"] for answer in answers] == ["4"]
