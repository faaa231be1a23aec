"""What the Serverless Framework does to deploy, step by step."""

# ruff: noqa: ANN401 -- what boto3 takes and answers is Any

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.localaws.conftest import Client, Clients, answering
from tests.localaws.stacks import get, ids, reasons, status

TEMPLATE = Path(__file__).with_name("framework.yml").read_text(encoding="utf-8")
FOLDER = "serverless/aws-python-rest-api/dev/1727612825604-2024-09-29T12:27:05.604Z"
KEY = f"{FOLDER}/aws-python-rest-api.zip"
NAME = "aws-python-rest-api-dev-hello"


def first_template() -> str:
    """Write the template of the first step: nothing but the bucket."""
    whole = yaml.safe_load(TEMPLATE)
    only = {name: part for name, part in whole["Resources"].items() if "Bucket" in name}
    outputs = {"ServerlessDeploymentBucketName": {"Value": {"Ref": "ServerlessDeploymentBucket"}}}
    return json.dumps({"Resources": only, "Outputs": outputs})


def upload(s3: Client, bucket: str, word: str = "hello") -> None:
    s3.put_object(Bucket=bucket, Key=KEY, Body=answering(word), ContentType="application/zip")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "ap-south-1"])
@pytest.mark.usefixtures("aws")
def test_deploys_by_updating_a_stack(clients: Clients, region: str) -> None:
    cfn, s3 = clients.get("cloudformation", region), clients.get("s3", region)
    cfn.create_stack(StackName="demo", TemplateBody=first_template())
    bucket = cfn.describe_stack_resource(
        StackName="demo", LogicalResourceId="ServerlessDeploymentBucket"
    )["StackResourceDetail"]["PhysicalResourceId"]
    assert bucket.startswith("demo-serverlessdeploymentbucket-")
    upload(s3, bucket)
    cfn.validate_template(TemplateBody=TEMPLATE)
    cfn.update_stack(StackName="demo", TemplateBody=TEMPLATE)
    assert (status(cfn), reasons(cfn)) == ("UPDATE_COMPLETE", [])
    named = ids(cfn)
    assert named["ServerlessDeploymentBucket"] == bucket
    assert named["HelloLambdaFunction"] == NAME
    version = "HelloLambdaVersionP8UAvh48AIJQ7pb2vPXamLWuIzfvJ5UVnkjBIee8CU"
    assert named[version] == f"arn:aws:lambda:{region}:123456789012:function:{NAME}:1"
    outputs = cfn.describe_stacks(StackName="demo")["Stacks"][0]["Outputs"]
    endpoint = f"https://{named['ApiGatewayRestApi']}.execute-api.{region}.amazonaws.com/dev"
    assert endpoint in [each["OutputValue"] for each in outputs]
    policy = json.loads(clients.get("lambda", region).get_policy(FunctionName=NAME)["Policy"])
    assert policy["Statement"][0]["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert s3.get_object(Bucket=bucket, Key=KEY)["Body"].read() == answering("hello")
    assert "SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]


def test_the_framework_points_the_api_at_the_alias(
    cfn: Client, s3: Client, clients: Clients
) -> None:
    cfn.create_stack(StackName="demo", TemplateBody=first_template())
    upload(s3, ids(cfn)["ServerlessDeploymentBucket"])
    cfn.update_stack(StackName="demo", TemplateBody=TEMPLATE)
    cfn.update_stack(StackName="demo", TemplateBody=with_alias())
    assert (status(cfn), reasons(cfn)) == ("UPDATE_COMPLETE", [])
    named = ids(cfn)
    method = clients.get("apigateway").get_method(
        restApiId=named["ApiGatewayRestApi"],
        resourceId=clients.get("apigateway").get_resources(restApiId=named["ApiGatewayRestApi"])[
            "items"
        ][0]["id"],
        httpMethod="GET",
    )
    uri = method["methodIntegration"]["uri"]
    assert uri.endswith(f"function:{NAME}:ACTIVE/invocations")
    lam = clients.get("lambda")
    policy = json.loads(lam.get_policy(FunctionName=NAME, Qualifier="ACTIVE")["Policy"])
    assert [each["Resource"] for each in policy["Statement"]] == [named["HelloAlias"]]
    with pytest.raises(lam.exceptions.ResourceNotFoundException):
        lam.get_policy(FunctionName=NAME)


def with_alias() -> str:
    """Write the same template as a plugin does that puts an alias before the function."""
    whole = yaml.safe_load(TEMPLATE)
    resources = whole["Resources"]
    version = next(name for name in resources if name.startswith("HelloLambdaVersion"))
    resources["HelloAlias"] = {
        "Type": "AWS::Lambda::Alias",
        "Properties": {
            "FunctionName": {"Ref": "HelloLambdaFunction"},
            "FunctionVersion": get(version, "Version"),
            "Name": "ACTIVE",
        },
    }
    resources["HelloLambdaPermissionApiGateway"]["Properties"]["FunctionName"] = {
        "Ref": "HelloAlias"
    }
    join = resources["ApiGatewayMethodGet"]["Properties"]["Integration"]["Uri"]["Fn::Join"]
    join[1] = [{"Ref": "HelloAlias"} if "Fn::GetAtt" in part else part for part in join[1]]
    return json.dumps(whole)


def change(cfn: Client, template: str, kind: str, name: str = "serverless") -> Any:
    cfn.create_change_set(
        StackName="demo",
        ChangeSetName=name,
        ChangeSetType=kind,
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": "STAGE", "Value": "dev"}],
    )
    return cfn.describe_change_set(StackName="demo", ChangeSetName=name)


def test_deploys_by_change_sets(cfn: Client, s3: Client) -> None:
    made = change(cfn, first_template(), "CREATE")
    assert (made["Status"], made["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert status(cfn) == "REVIEW_IN_PROGRESS"
    cfn.execute_change_set(StackName="demo", ChangeSetName="serverless")
    assert status(cfn) == "CREATE_COMPLETE"
    upload(s3, ids(cfn)["ServerlessDeploymentBucket"])
    made = change(cfn, TEMPLATE, "UPDATE", "second")
    actions = {
        each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"]["Action"]
        for each in made["Changes"]
    }
    assert actions["HelloLambdaFunction"] == "Add"
    assert len(cfn.list_change_sets(StackName="demo")["Summaries"]) == 2
    cfn.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert status(cfn) == "UPDATE_COMPLETE"
    shown = cfn.describe_stacks(StackName="demo")["Stacks"][0]
    assert len(shown["Outputs"]) == 3
    assert shown["Tags"] == [{"Key": "STAGE", "Value": "dev"}]
    assert "LastUpdatedTime" in shown


def test_a_change_set_without_changes_fails(cfn: Client) -> None:
    change(cfn, first_template(), "CREATE")
    cfn.execute_change_set(StackName="demo", ChangeSetName="serverless")
    made = change(cfn, first_template(), "UPDATE", "second")
    assert (made["Status"], made["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "didn't contain changes" in made["StatusReason"]
    with pytest.raises(cfn.exceptions.ClientError, match="cannot be executed"):
        cfn.execute_change_set(StackName="demo", ChangeSetName="second")
    for _ in range(2):
        cfn.delete_change_set(StackName="demo", ChangeSetName="second")
    with pytest.raises(cfn.exceptions.ChangeSetNotFoundException, match="does not exist"):
        cfn.describe_change_set(StackName="demo", ChangeSetName="second")


def test_a_removed_stack_can_be_deployed_again(cfn: Client) -> None:
    for _ in range(2):
        made = change(cfn, first_template(), "CREATE")
        cfn.execute_change_set(StackName="demo", ChangeSetName="serverless")
        assert status(cfn) == "CREATE_COMPLETE"
        cfn.delete_stack(StackName="demo")
        with pytest.raises(cfn.exceptions.ChangeSetNotFoundException):
            cfn.describe_change_set(ChangeSetName=made["ChangeSetId"])


def test_change_sets_of_two_stacks_may_have_one_name(cfn: Client) -> None:
    for stack in ("one", "two"):
        cfn.create_change_set(
            StackName=stack,
            ChangeSetName="same",
            ChangeSetType="CREATE",
            TemplateBody=first_template(),
        )
    cfn.execute_change_set(StackName="two", ChangeSetName="same")
    assert (status(cfn, "one"), status(cfn, "two")) == ("REVIEW_IN_PROGRESS", "CREATE_COMPLETE")


def test_a_stack_cannot_be_created_twice_by_change_sets(cfn: Client) -> None:
    for name in ("first", "second"):
        change(cfn, first_template(), "CREATE", name)
    cfn.execute_change_set(StackName="demo", ChangeSetName="second")
    with pytest.raises(cfn.exceptions.ClientError, match="already exists"):
        change(cfn, first_template(), "CREATE", "third")


def test_reads_a_template_from_the_bucket(cfn: Client, s3: Client, clients: Clients) -> None:
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration=where)
    s3.put_object(Bucket="templates", Key="a b/t.json", Body=first_template().encode())
    for number, address in enumerate(
        (
            "https://s3.amazonaws.com/templates/a%20b/t.json",
            "https://s3.eu-west-1.amazonaws.com/templates/a%20b/t.json",
            "https://templates.s3.eu-west-1.amazonaws.com/a%20b/t.json",
            f"{clients.url}/templates/a%20b/t.json",
        )
    ):
        cfn.create_stack(StackName=f"s{number}", TemplateURL=address)
        assert status(cfn, f"s{number}") == "CREATE_COMPLETE"
    for address in ("https://s3.amazonaws.com/templates/none", "https://s3.amazonaws.com/none/t"):
        with pytest.raises(cfn.exceptions.ClientError, match="S3 error"):
            cfn.create_stack(StackName="none", TemplateURL=address)
