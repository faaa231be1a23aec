"""Stacks are deployed in AWS's order, with AWS's ids, statuses and outputs."""

import json

import pytest

from tests.localaws.conftest import Client, refuse
from tests.localaws.stacks import (
    alias,
    body,
    deploy,
    function,
    get,
    ids,
    ref,
    says,
    service,
    status,
    upload,
    version,
    versions,
)

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:hello"


@pytest.fixture(autouse=True)
def builds(s3: Client) -> None:
    upload(s3, "A", "B", "C")


def test_a_new_stack_has_ids_as_aws_gives_them(cfn: Client) -> None:
    deploy(cfn, body(service("A")))
    assert status(cfn) == "CREATE_COMPLETE"
    assert ids(cfn) == {
        "helloFunction": "hello",
        "helloVersionA": f"{ARN}:1",
        "helloAlias": f"{ARN}:ACTIVE",
    }
    shown = cfn.describe_stacks(StackName="demo")["Stacks"][0]
    assert "LastUpdatedTime" not in shown
    assert shown["StackId"].startswith("arn:aws:cloudformation:eu-west-1:123456789012:stack/demo/")


def test_version_two_appears_and_holds_the_new_code(cfn: Client, lam: Client) -> None:
    deploy(cfn, body(service("A")))
    deploy(cfn, body(service("B", MemorySize=512)))
    assert status(cfn) == "UPDATE_COMPLETE"
    assert ids(cfn) == {
        "helloFunction": "hello",
        "helloVersionB": f"{ARN}:2",
        "helloAlias": f"{ARN}:ACTIVE",
    }
    assert versions(lam) == ["$LATEST", "1", "2"]  # the first is retained
    assert [says(lam, each) for each in ("ACTIVE", "2", "1")] == ["B", "B", "A"]
    first = lam.get_function_configuration(FunctionName="hello", Qualifier="1")
    second = lam.get_function_configuration(FunctionName="hello", Qualifier="2")
    assert (first["MemorySize"], second["MemorySize"]) == (128, 512)
    assert "LastUpdatedTime" in cfn.describe_stacks(StackName="demo")["Stacks"][0]


def test_the_next_deploy_leaves_a_mixed_stack_after_a_rollback(cfn: Client, lam: Client) -> None:
    """Aws-facts 11: an alias that the template did not change is not moved."""
    deploy(cfn, body(service("A", "hello", "other")))
    deploy(cfn, body(service("B", "hello", "other")))
    for name in ("hello", "other"):
        lam.update_alias(FunctionName=name, Name="ACTIVE", FunctionVersion="1")
    deploy(cfn, body(service("C", "hello") | service("B", "other")))
    moved = lam.get_alias(FunctionName="hello", Name="ACTIVE")["FunctionVersion"]
    stayed = lam.get_alias(FunctionName="other", Name="ACTIVE")["FunctionVersion"]
    assert (moved, stayed) == ("3", "1")


def test_moves_the_alias_even_with_weights_left_by_somebody(cfn: Client, lam: Client) -> None:
    deploy(cfn, body(service("A")))
    deploy(cfn, body(service("B")))
    routing = {"AdditionalVersionWeights": {"1": 0.5}}
    lam.update_alias(FunctionName="hello", Name="ACTIVE", RoutingConfig=routing)
    deploy(cfn, body(service("C")))
    shown = lam.get_alias(FunctionName="hello", Name="ACTIVE")
    assert shown["FunctionVersion"] == "3"
    assert "RoutingConfig" not in shown


def test_an_alias_may_have_weights_in_the_template(cfn: Client, lam: Client) -> None:
    deploy(cfn, body(service("A")))
    weights = [{"FunctionVersion": "1", "FunctionWeight": 0.25}]
    resources = service("B")
    resources["helloAlias"] = alias(
        "helloFunction",
        "helloVersionB",
        Description="canary",
        RoutingConfig={"AdditionalVersionWeights": weights},
    )
    deploy(cfn, body(resources))
    shown = lam.get_alias(FunctionName="hello", Name="ACTIVE")
    assert shown["RoutingConfig"] == {"AdditionalVersionWeights": {"1": 0.25}}
    assert (shown["FunctionVersion"], shown["Description"]) == ("2", "canary")


def test_outputs_can_use_every_attribute(cfn: Client) -> None:
    wanted = {
        "Function": ref("helloFunction"),
        "FunctionArn": get("helloFunction", "Arn"),
        "Version": get("helloVersionA", "Version"),
        "VersionArn": ref("helloVersionA"),
        "VersionFunctionArn": get("helloVersionA", "FunctionArn"),
        "Alias": ref("helloAlias"),
        "AliasArn": get("helloAlias", "AliasArn"),
        "Sub": {"Fn::Sub": "${helloFunction}/${helloVersionA.Version}/${AWS::Region}"},
    }
    outputs = {name: {"Value": value} for name, value in wanted.items()}
    deploy(cfn, body(service("A"), Outputs=outputs))
    shown = cfn.describe_stacks(StackName="demo")["Stacks"][0]["Outputs"]
    assert {each["OutputKey"]: each["OutputValue"] for each in shown} == {
        "Function": "hello",
        "FunctionArn": ARN,
        "Version": "1",
        "VersionArn": f"{ARN}:1",
        "VersionFunctionArn": f"{ARN}:1",
        "Alias": f"{ARN}:ACTIVE",
        "AliasArn": f"{ARN}:ACTIVE",
        "Sub": "hello/1/eu-west-1",
    }


def test_a_version_without_retain_is_deleted_after_the_alias_moved(
    cfn: Client, lam: Client
) -> None:
    for build in ("A", "B"):
        resources = service(build)
        del resources[f"helloVersion{build}"]["DeletionPolicy"]
        deploy(cfn, body(resources))
    assert versions(lam) == ["$LATEST", "2"]


def test_changing_a_property_of_a_version_publishes_another(cfn: Client, lam: Client) -> None:
    resources = {"F": function("A"), "V": version("F")}
    deploy(cfn, body(resources))
    resources = {"F": function("B"), "V": version("F")}
    resources["V"]["Properties"]["Description"] = "again"
    resources["V"]["UpdateReplacePolicy"] = "Retain"
    deploy(cfn, body(resources))
    assert ids(cfn)["V"] == f"{ARN}:2"
    resources["F"] = function("C")
    resources["V"]["Properties"]["Description"] = "and again"
    deploy(cfn, body(resources))
    assert versions(lam) == ["$LATEST", "2", "3"]


def test_changes_every_property_of_a_function(cfn: Client, lam: Client) -> None:
    deploy(
        cfn,
        body(
            service(
                "A",
                MemorySize="1024",
                Timeout=6,
                Description="first",
                Environment={"Variables": {"STAGE": "dev", "DEBUG": True, "LIMIT": 3}},
                Tags=[{"Key": "team", "Value": "a"}],
                KmsKeyArn="arn:aws:kms:eu-west-1:123456789012:key/a",
            )
        ),
    )
    shown = lam.get_function(FunctionName="hello")
    assert shown["Configuration"]["MemorySize"] == 1024
    assert shown["Configuration"]["KMSKeyArn"].endswith(":key/a")
    variables = shown["Configuration"]["Environment"]["Variables"]
    assert variables == {"STAGE": "dev", "DEBUG": "true", "LIMIT": "3"}
    assert shown["Tags"] == {"team": "a"}
    deploy(cfn, body(service("B")))
    shown = lam.get_function(FunctionName="hello")
    assert shown["Configuration"]["MemorySize"] == 128
    assert shown["Configuration"]["Description"] == ""
    assert "Environment" not in shown["Configuration"]
    assert "KMSKeyArn" not in shown["Configuration"]
    assert "Tags" not in shown


def test_a_new_name_makes_a_new_function(cfn: Client, lam: Client) -> None:
    deploy(cfn, body({"F": function("A")}))
    deploy(cfn, body({"F": function("A", "renamed")}))
    assert [each["FunctionName"] for each in lam.list_functions()["Functions"]] == ["renamed"]


def test_runs_code_written_into_the_template(cfn: Client, lam: Client) -> None:
    code = "def main(event, context):\n    return 'inline'\n"
    inline = function("A", Code={"ZipFile": code}, Handler="index.main")
    deploy(cfn, body({"F": inline}))
    assert says(lam, "$LATEST") == "inline"
    before = lam.get_function_configuration(FunctionName="hello")["CodeSha256"]
    inline["Properties"]["Timeout"] = 7
    deploy(cfn, body({"F": inline}))
    shown = lam.get_function_configuration(FunctionName="hello")
    assert (shown["Timeout"], shown["CodeSha256"]) == (7, before)


def test_parameters_and_conditions_decide(cfn: Client, lam: Client) -> None:
    resources = {
        "F": function("A", MemorySize=ref("Memory"), Description=ref("AWS::NoValue")),
        "Live": {"Type": "AWS::SNS::Topic", "Condition": "IsLive"},
        "Dev": {"Type": "AWS::SNS::Topic", "Condition": "IsDev"},
    }
    template = body(
        resources,
        Parameters={
            "Memory": {"Type": "Number", "Default": 256},
            "Stage": {"Type": "String", "Default": "dev"},
        },
        Conditions={
            "IsLive": {"Fn::Equals": [ref("Stage"), "live"]},
            "IsDev": {"Fn::Not": [{"Condition": "IsLive"}]},
        },
        Outputs={"Topic": {"Value": ref("Live"), "Condition": "IsLive"}},
    )
    deploy(cfn, template)
    assert set(ids(cfn)) == {"F", "Dev"}
    assert "Outputs" not in cfn.describe_stacks(StackName="demo")["Stacks"][0]
    given = {"Memory": "512", "Stage": "live"}
    parameters = [{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()]
    deploy(cfn, template, Parameters=parameters)
    assert set(ids(cfn)) == {"F", "Live"}
    assert lam.get_function_configuration(FunctionName="hello")["MemorySize"] == 512
    shown = cfn.describe_stacks(StackName="demo")["Stacks"][0]
    assert shown["Outputs"][0]["OutputKey"] == "Topic"


def test_deletes_a_stack_but_for_what_is_retained(cfn: Client, lam: Client, s3: Client) -> None:
    kept = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    deploy(cfn, body({"Kept": kept, "Gone": {"Type": "AWS::S3::Bucket"}, "F": function("A")}))
    named = ids(cfn)
    stack_id = cfn.describe_stacks(StackName="demo")["Stacks"][0]["StackId"]
    cfn.delete_stack(StackName="demo")
    assert status(cfn, stack_id) == "DELETE_COMPLETE"
    assert lam.list_functions()["Functions"] == []
    left = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    assert named["Kept"] in left
    assert named["Gone"] not in left
    cfn.delete_stack(StackName="demo")  # AWS does not mind
    assert refuse(cfn.describe_stacks, StackName="demo") == ("ValidationError", 400)
    listed = cfn.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert [each["StackName"] for each in listed] == ["demo"]
    assert "DeletionTime" in listed[0]


def test_exports_reach_other_stacks(cfn: Client) -> None:
    outputs = {"Arn": {"Value": get("F", "Arn"), "Export": {"Name": {"Fn::Sub": "x-${F}"}}}}
    deploy(cfn, body({"F": function("A")}, Outputs=outputs))
    topic = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"DisplayName": {"Fn::ImportValue": "x-hello"}},
    }
    cfn.create_stack(StackName="other", TemplateBody=body({"T": topic}))
    assert status(cfn, "other") == "CREATE_COMPLETE"
    assert [each["Name"] for each in cfn.list_exports()["Exports"]] == ["x-hello"]
    shown = cfn.describe_stacks(StackName="demo")["Stacks"][0]["Outputs"]
    assert shown[0]["ExportName"] == "x-hello"
    cfn.delete_stack(StackName="demo")
    assert cfn.list_exports()["Exports"] == []


def test_reads_yaml_with_short_tags(cfn: Client) -> None:
    template = """
AWSTemplateFormatVersion: 2010-09-09
Conditions:
  Always: !Equals [a, a]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: Always
    Properties:
      TopicName: !Join ['-', [!Ref AWS::StackName, !Select [1, [a, b]]]]
      DisplayName: !Sub
        - '${Word}, ${AWS::Region}'
        - {Word: hello}
Outputs:
  Name:
    Value: !GetAtt Topic.TopicName
  Other:
    Value:
      Fn::GetAtt: Topic.TopicName
"""
    deploy(cfn, template)
    assert ids(cfn) == {"Topic": "arn:aws:sns:eu-west-1:123456789012:demo-b"}
    shown = cfn.describe_stacks(StackName="demo")["Stacks"][0]["Outputs"]
    assert [each["OutputValue"] for each in shown] == ["demo-b", "demo-b"]
    assert cfn.validate_template(TemplateBody=template)["Parameters"] == []


def test_validates_without_minding_a_linters_warnings(cfn: Client) -> None:
    """W3005: a DependsOn that a Ref makes needless."""
    resources = service("A")
    resources["helloVersionA"]["DependsOn"] = ["helloFunction"]
    template = body(resources, Parameters={"P": {"Type": "String", "Default": "a"}})
    checked = cfn.validate_template(TemplateBody=template)
    assert checked["Parameters"][0]["ParameterKey"] == "P"
    deploy(cfn, template)
    assert status(cfn) == "CREATE_COMPLETE"


def test_nested_stacks(cfn: Client, lam: Client, s3: Client) -> None:
    def outer(build: str) -> str:
        inner = body(
            service(build) | {"T": {"Type": "AWS::SNS::Topic", "Properties": {"X": ref("Names")}}},
            Parameters={"Names": {"Type": "CommaDelimitedList"}},
            Outputs={"Alias": {"Value": ref("helloAlias")}},
        )
        s3.put_object(Bucket="builds", Key=f"{build}.json", Body=inner)
        nested = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {
                "TemplateURL": f"https://s3.amazonaws.com/builds/{build}.json",
                "Parameters": {"Names": ["a", "b"]},
            },
        }
        outputs = {"Alias": {"Value": get("Inner", "Outputs.Alias")}}
        return body({"Inner": nested}, Outputs=outputs)

    deploy(cfn, outer("A"))
    shown = cfn.describe_stacks(StackName="demo")["Stacks"][0]
    assert shown["Outputs"][0]["OutputValue"] == f"{ARN}:ACTIVE"
    inner_id = ids(cfn)["Inner"]
    inner = cfn.describe_stacks(StackName=inner_id)["Stacks"][0]
    assert inner["ParentId"] == inner["RootId"] == shown["StackId"]
    assert ids(cfn, inner_id)["helloVersionA"] == f"{ARN}:1"
    deploy(cfn, outer("B"))
    assert ids(cfn)["Inner"] == inner_id
    assert says(lam) == "B"
    deploy(cfn, outer("nowhere"))
    assert status(cfn) == "UPDATE_ROLLBACK_COMPLETE"
    cfn.delete_stack(StackName="demo")
    assert status(cfn, inner_id) == "DELETE_COMPLETE"


def test_a_function_may_be_an_image_or_reserve_capacity(cfn: Client, lam: Client) -> None:
    image = function("A", Code={"ImageUri": "repo:tag"}, PackageType="Image")
    for part in ("Handler", "Runtime"):
        del image["Properties"][part]
    image["Properties"]["ReservedConcurrentExecutions"] = 5
    deploy(cfn, body({"F": image}))
    shown = lam.get_function(FunctionName="hello")
    assert shown["Code"]["ImageUri"] == "repo:tag"
    assert shown["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    answer = lam.invoke(FunctionName="hello")
    assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.Unsupported"
    image["Properties"]["Code"] = {"ImageUri": "repo:other"}
    del image["Properties"]["ReservedConcurrentExecutions"]
    deploy(cfn, body({"F": image}))
    shown = lam.get_function(FunctionName="hello")
    assert shown["Code"]["ImageUri"] == "repo:other"
    assert "Concurrency" not in shown
