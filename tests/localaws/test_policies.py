"""Resource policies belong to exactly one function, version or alias."""

import json
from typing import Any

import pytest

from tests.localaws.conftest import Client, create_function, publish, refuse

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:hello"


@pytest.fixture(autouse=True)
def hello(lam: Client) -> None:
    create_function(lam)
    publish(lam, 1)
    lam.create_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")


def permit(lam: Client, sid: str = "api", **more: str) -> dict[str, Any]:
    params = {
        "FunctionName": "hello",
        "StatementId": sid,
        "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
    }
    statement: dict[str, Any] = json.loads(lam.add_permission(**(params | more))["Statement"])
    return statement


def read(lam: Client, **qualifier: str) -> list[str]:
    policy = json.loads(lam.get_policy(FunctionName="hello", **qualifier)["Policy"])
    return [statement["Resource"] for statement in policy["Statement"]]


def test_a_policy_of_an_alias_is_the_aliass_alone(lam: Client) -> None:
    permit(lam, Qualifier="ACTIVE")
    assert read(lam, Qualifier="ACTIVE") == [f"{ARN}:ACTIVE"]
    for other in ({}, {"Qualifier": "1"}):
        refused = refuse(lam.get_policy, FunctionName="hello", **other)
        assert refused == ("ResourceNotFoundException", 404)


def test_each_qualifier_has_its_own(lam: Client) -> None:
    permit(lam)
    permit(lam, Qualifier="1")
    permit(lam, FunctionName="hello:ACTIVE")
    permit(lam, "second", FunctionName=f"{ARN}:ACTIVE")
    assert read(lam) == [ARN]
    assert read(lam, Qualifier="1") == [f"{ARN}:1"]
    assert read(lam, Qualifier="ACTIVE") == [f"{ARN}:ACTIVE"] * 2


def test_a_policy_stays_with_the_alias_when_it_moves(lam: Client) -> None:
    permit(lam, Qualifier="ACTIVE")
    publish(lam, 1)
    lam.update_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="2")
    assert read(lam, Qualifier="ACTIVE") == [f"{ARN}:ACTIVE"]


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({}, {"Principal": {"Service": "apigateway.amazonaws.com"}}),
        ({"Principal": "*"}, {"Principal": "*"}),
        ({"Principal": "111122223333"}, {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}),
        (
            {"Principal": "arn:aws:iam::111122223333:user/a"},
            {"Principal": {"AWS": "arn:aws:iam::111122223333:user/a"}},
        ),
        (
            {"SourceArn": "arn:aws:s3:::photos", "SourceAccount": "123456789012"},
            {
                "Condition": {
                    "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"},
                    "StringEquals": {"AWS:SourceAccount": "123456789012"},
                }
            },
        ),
        (
            {"FunctionUrlAuthType": "NONE"},
            {"Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}},
        ),
    ],
)
def test_writes_statements_as_aws_does(
    lam: Client, params: dict[str, str], part: dict[str, Any]
) -> None:
    statement = permit(lam, **params)
    assert statement["Sid"] == "api"
    assert statement["Effect"] == "Allow"
    assert part.items() <= statement.items()


def test_refuses_what_aws_refuses(lam: Client) -> None:
    permit(lam)
    base = {
        "FunctionName": "hello",
        "StatementId": "api",
        "Action": "lambda:InvokeFunction",
        "Principal": "*",
    }
    assert refuse(lam.add_permission, **base) == ("ResourceConflictException", 409)
    latest = base | {"Qualifier": "$LATEST"}
    assert refuse(lam.add_permission, **latest) == ("InvalidParameterValueException", 400)
    nobody = base | {"Qualifier": "NOBODY"}
    assert refuse(lam.add_permission, **nobody) == ("ResourceNotFoundException", 404)
    stale = base | {"StatementId": "b", "RevisionId": "stale"}
    assert refuse(lam.add_permission, **stale) == ("PreconditionFailedException", 412)


def test_a_policy_cannot_grow_over_twenty_kilobytes(lam: Client) -> None:
    source = "arn:aws:s3:::" + "x" * 1000
    for number in range(16):
        permit(lam, f"s{number}", SourceArn=source)
    params = {
        "FunctionName": "hello",
        "StatementId": "last",
        "Action": "lambda:InvokeFunction",
        "Principal": "*",
        "SourceArn": "arn:aws:s3:::" + "x" * 3000,
    }
    assert refuse(lam.add_permission, **params) == ("PolicyLengthExceededException", 400)
    assert len(read(lam)) == 16


def test_removes_a_statement_from_its_qualifier_only(lam: Client) -> None:
    permit(lam)
    permit(lam, Qualifier="ACTIVE")
    gone = lam.remove_permission(FunctionName="hello", Qualifier="ACTIVE", StatementId="api")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert read(lam) == [ARN]
    for sid, params in (("api", {"Qualifier": "ACTIVE"}), ("other", {})):
        refused = refuse(lam.remove_permission, FunctionName="hello", StatementId=sid, **params)
        assert refused == ("ResourceNotFoundException", 404)


def test_removing_checks_the_revision(lam: Client) -> None:
    permit(lam)
    params = {"FunctionName": "hello", "StatementId": "api"}
    stale = refuse(lam.remove_permission, **params, RevisionId="stale")
    assert stale == ("PreconditionFailedException", 412)
    revision = lam.get_policy(FunctionName="hello")["RevisionId"]
    lam.remove_permission(**params, RevisionId=revision)
    assert refuse(lam.get_policy, FunctionName="hello") == ("ResourceNotFoundException", 404)


def test_what_is_deleted_loses_its_policy(lam: Client) -> None:
    permit(lam, Qualifier="ACTIVE")
    lam.delete_alias(FunctionName="hello", Name="ACTIVE")
    lam.create_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")
    refused = refuse(lam.get_policy, FunctionName="hello", Qualifier="ACTIVE")
    assert refused == ("ResourceNotFoundException", 404)
    permit(lam, Qualifier="ACTIVE")
    permit(lam)
    lam.delete_function(FunctionName="hello")
    create_function(lam)
    assert refuse(lam.get_policy, FunctionName="hello") == ("ResourceNotFoundException", 404)
