"""Stacks tell the truth about what failed, and go back where AWS does."""

import json

import pytest

from sah.localaws import LocalAws
from tests.localaws.conftest import REGION, Client, create_function, refuse
from tests.localaws.stacks import (
    body,
    deploy,
    function,
    ids,
    reasons,
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


def test_a_version_that_is_still_needed_stays(cfn: Client, lam: Client) -> None:
    resources = service("A")
    del resources["helloVersionA"]["DeletionPolicy"]
    deploy(cfn, body(resources))
    lam.create_alias(FunctionName="hello", Name="PIN", FunctionVersion="1")
    deploy(cfn, body(service("B")))
    assert status(cfn) == "UPDATE_COMPLETE"
    assert versions(lam) == ["$LATEST", "1", "2"]
    assert "following aliases reference it: [PIN]" in reasons(cfn)[0]


def test_publishing_unchanged_code_fails_as_on_aws(cfn: Client) -> None:
    deploy(cfn, body({"F": function("A"), "V1": version("F")}))
    deploy(cfn, body({"F": function("A"), "V2": version("F")}))
    assert status(cfn) == "UPDATE_ROLLBACK_COMPLETE"
    assert "A version for this Lambda function exists ( 1 )" in reasons(cfn)[0]
    assert ids(cfn) == {"F": "hello", "V1": f"{ARN}:1"}


def test_refuses_an_update_that_changes_nothing(cfn: Client) -> None:
    template = body(service("A"), Parameters={"P": {"Type": "String", "Default": "a"}})
    deploy(cfn, template, Tags=[{"Key": "stage", "Value": "dev"}])
    with pytest.raises(cfn.exceptions.ClientError, match="No updates are to be performed"):
        deploy(cfn, template)
    described = json.dumps(json.loads(template) | {"Description": "only words"})
    with pytest.raises(cfn.exceptions.ClientError, match="No updates are to be performed"):
        deploy(cfn, described)
    deploy(cfn, template, Tags=[{"Key": "stage", "Value": "live"}])
    deploy(cfn, template, Parameters=[{"ParameterKey": "P", "ParameterValue": "b"}])
    kept = [{"ParameterKey": "P", "UsePreviousValue": True}]
    with pytest.raises(cfn.exceptions.ClientError, match="No updates are to be performed"):
        cfn.update_stack(StackName="demo", UsePreviousTemplate=True, Parameters=kept)


def test_a_failed_update_goes_back(cfn: Client, lam: Client) -> None:
    deploy(cfn, body(service("A")))
    deploy(cfn, body(service("nowhere")))
    assert status(cfn) == "UPDATE_ROLLBACK_COMPLETE"
    assert "NoSuchKey" in reasons(cfn)[0]
    assert ids(cfn)["helloVersionA"] == f"{ARN}:1"
    assert says(lam) == "A"
    deploy(cfn, body(service("B")))
    assert status(cfn) == "UPDATE_COMPLETE"
    assert says(lam) == "B"


def test_a_failed_replacement_brings_the_old_one_back(cfn: Client, lam: Client) -> None:
    deploy(cfn, body({"F": function("A")}))
    broken = {"F": function("B", "renamed"), "G": function("nowhere", "broken")}
    deploy(cfn, body(broken))
    assert status(cfn) == "UPDATE_ROLLBACK_COMPLETE"
    assert ids(cfn) == {"F": "hello"}
    assert [each["FunctionName"] for each in lam.list_functions()["Functions"]] == ["hello"]


def test_a_failed_creation_leaves_nothing(cfn: Client, lam: Client) -> None:
    deploy(cfn, body(service("A") | {"Bad": function("nowhere", "bad")}))
    assert status(cfn) == "ROLLBACK_COMPLETE"
    assert lam.list_functions()["Functions"] == []
    with pytest.raises(cfn.exceptions.ClientError, match="can not be updated"):
        deploy(cfn, body(service("A")))


def test_does_not_take_over_somebody_elses_function(cfn: Client, lam: Client) -> None:
    create_function(lam)
    deploy(cfn, body(service("A")))
    assert status(cfn) == "ROLLBACK_COMPLETE"
    assert "already exist" in reasons(cfn)[0]
    assert says(lam, "$LATEST") == "first"


def test_a_stack_that_cannot_be_deleted_stays(cfn: Client, s3: Client) -> None:
    deploy(cfn, body({"Bucket": {"Type": "AWS::S3::Bucket"}}))
    s3.put_object(Bucket=ids(cfn)["Bucket"], Key="left", Body=b"")
    cfn.delete_stack(StackName="demo")
    assert status(cfn) == "DELETE_FAILED"
    assert set(ids(cfn)) == {"Bucket"}


def test_what_somebody_deleted_before_is_no_failure(cfn: Client, lam: Client) -> None:
    resources = service("A") | {"Topic": {"Type": "AWS::SNS::Topic"}}
    deploy(cfn, body(resources))
    lam.delete_function(FunctionName="hello")
    cfn.delete_stack(StackName="demo")
    assert refuse(cfn.describe_stacks, StackName="demo") == ("ValidationError", 400)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{}", "At least one Resources member"),
        ("a: b: c", "not well-formed"),
        (body({"F": function("A", Role=ref("Nobody"))}), r"dependencies \[Nobody\]"),
        (body({"F": function("A") | {"DependsOn": "Nobody"}}), r"dependencies \[Nobody\]"),
        (
            body({"F": function("A", Description={"Fn::Sub": "${F2} ${!Not}"})}),
            r"dependencies \[F2\]",
        ),
        (
            body({"A": function("A", "a", Role=ref("B")), "B": function("A", "b", Role=ref("A"))}),
            r"Circular dependency between resources: \[A, B\]",
        ),
        (
            body({"F": function("A")}, Outputs={"O": {"Value": ref("Nobody")}}),
            "in the Outputs block",
        ),
    ],
)
def test_refuses_a_template_before_it_begins(cfn: Client, template: str, message: str) -> None:
    with pytest.raises(cfn.exceptions.ClientError, match=message):
        deploy(cfn, template)
    assert cfn.list_stacks()["StackSummaries"] == []
    with pytest.raises(cfn.exceptions.ClientError):
        cfn.validate_template(TemplateBody=template if "Resources" not in template else "[]")


def test_refuses_what_is_there_already_or_not_at_all(cfn: Client) -> None:
    template = body(service("A"))
    deploy(cfn, template)
    again = {"StackName": "demo", "TemplateBody": template}
    assert refuse(cfn.create_stack, **again) == ("AlreadyExistsException", 400)
    nobody = {"StackName": "nobody", "TemplateBody": template}
    assert refuse(cfn.update_stack, **nobody) == ("ValidationError", 400)
    assert refuse(cfn.update_stack, StackName="demo") == ("ValidationError", 400)


def test_a_test_can_set_a_stacks_status(aws: LocalAws, cfn: Client) -> None:
    deploy(cfn, body(service("A")))
    aws.set_stack_status("demo", "UPDATE_ROLLBACK_FAILED", region=REGION)
    assert status(cfn) == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(cfn.exceptions.ClientError, match="can not be updated"):
        deploy(cfn, body(service("B")))


def test_a_rollback_may_fail_too(cfn: Client, lam: Client, s3: Client) -> None:
    """The code that it would have to go back to is gone from the bucket."""
    deploy(cfn, body(service("A")))
    s3.delete_object(Bucket="builds", Key="A.zip")
    deploy(cfn, body(service("B") | {"Bad": function("nowhere", "bad")}))
    assert status(cfn) == "UPDATE_ROLLBACK_FAILED"
    assert lam.get_alias(FunctionName="hello", Name="ACTIVE")["FunctionVersion"] == "2"
