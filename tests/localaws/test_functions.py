"""Functions and versions: what a version freezes, what names mean, and pages."""

# ruff: noqa: ANN401 -- what boto3 takes and answers is Any

import base64
import hashlib
import re
from typing import Any

import pytest

from sah.localaws import LocalAws
from sah.localaws.lambda_backend import find_lambda
from tests.localaws.conftest import (
    REGION,
    Client,
    Clients,
    answering,
    create_function,
    make_zip,
    publish,
    refuse,
)
from tests.localaws.stacks import body, function, upload

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:hello"


def show(lam: Client, qualifier: str | None = None, name: str = "hello") -> Any:
    params = {"Qualifier": qualifier} if qualifier else {}
    return lam.get_function_configuration(FunctionName=name, **params)


def sha(code: bytes) -> str:
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


def test_creates_a_function_without_asking_for_its_role(lam: Client) -> None:
    create_function(lam, MemorySize=256, Timeout=9, Environment={"Variables": {"STAGE": "dev"}})
    shown = show(lam)
    assert (shown["FunctionArn"], shown["Version"]) == (ARN, "$LATEST")
    assert (shown["MemorySize"], shown["Timeout"], shown["Runtime"]) == (256, 9, "python3.11")
    assert shown["Environment"] == {"Variables": {"STAGE": "dev"}}
    assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Successful")
    assert shown["CodeSha256"] == sha(answering("first"))
    assert shown["CodeSize"] == len(answering("first"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", shown["LastModified"])


def test_refuses_a_second_function_of_the_same_name(lam: Client) -> None:
    create_function(lam)
    with pytest.raises(lam.exceptions.ResourceConflictException):
        create_function(lam)


def test_a_version_freezes_code_and_configuration(lam: Client) -> None:
    create_function(lam, MemorySize=128, Environment={"Variables": {"STAGE": "a"}}, Publish=True)
    frozen = show(lam, "1")
    lam.update_function_code(FunctionName="hello", ZipFile=answering("second"))
    lam.update_function_configuration(
        FunctionName="hello",
        MemorySize=512,
        Timeout=20,
        Runtime="python3.12",
        Handler="handler.other",
        Environment={"Variables": {"STAGE": "b"}},
        Layers=["arn:aws:lambda:eu-west-1:999999999999:layer:insights:14"],
        EphemeralStorage={"Size": 1024},
        TracingConfig={"Mode": "Active"},
        DeadLetterConfig={"TargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead"},
    )
    second = lam.publish_version(FunctionName="hello", Description="the second")
    assert {**show(lam, "1"), "ResponseMetadata": {}} == {**frozen, "ResponseMetadata": {}}
    shown = show(lam, "2")
    assert shown["CodeSha256"] == second["CodeSha256"] == sha(answering("second"))
    assert (shown["MemorySize"], shown["Timeout"]) == (512, 20)
    assert shown["Environment"] == {"Variables": {"STAGE": "b"}}
    assert shown["Layers"][0]["Arn"].endswith(":layer:insights:14")
    assert shown["EphemeralStorage"] == {"Size": 1024}
    assert shown["TracingConfig"] == {"Mode": "Active"}
    assert shown["DeadLetterConfig"]["TargetArn"].endswith(":dead")
    assert shown["Description"] == "the second"
    assert show(lam)["Description"] == ""


def test_publishing_without_a_change_gives_the_last_version(lam: Client) -> None:
    create_function(lam)
    assert lam.publish_version(FunctionName="hello")["Version"] == "1"
    assert lam.publish_version(FunctionName="hello", Description="again")["Version"] == "1"
    lam.update_function_code(FunctionName="hello", ZipFile=answering("first"))
    assert lam.publish_version(FunctionName="hello")["Version"] == "1"
    lam.update_function_code(FunctionName="hello", ZipFile=answering("second"), Publish=True)
    assert show(lam, "2")["CodeSha256"] == sha(answering("second"))


def test_publishing_checks_the_code_and_the_revision(lam: Client) -> None:
    create_function(lam)
    wrong = {"FunctionName": "hello", "CodeSha256": "wrong"}
    assert refuse(lam.publish_version, **wrong) == ("InvalidParameterValueException", 400)
    stale = {"FunctionName": "hello", "RevisionId": "stale"}
    assert refuse(lam.publish_version, **stale) == ("PreconditionFailedException", 412)
    for call, more in (
        (lam.update_function_configuration, {"Timeout": 5}),
        (lam.update_function_code, {"ZipFile": answering("second")}),
    ):
        assert refuse(call, **stale, **more) == ("PreconditionFailedException", 412)
    fresh = show(lam)["RevisionId"]
    lam.update_function_configuration(FunctionName="hello", RevisionId=fresh, Timeout=5)
    assert show(lam)["RevisionId"] != fresh


def test_code_may_come_for_another_processor(lam: Client) -> None:
    create_function(lam)
    lam.update_function_code(
        FunctionName="hello", ZipFile=answering("second"), Architectures=["arm64"]
    )
    assert show(lam)["Architectures"] == ["arm64"]


def test_a_dry_run_changes_nothing(lam: Client) -> None:
    create_function(lam)
    lam.update_function_code(FunctionName="hello", ZipFile=answering("second"), DryRun=True)
    assert show(lam)["CodeSha256"] == sha(answering("first"))


def test_numbers_are_never_given_twice(lam: Client) -> None:
    create_function(lam)
    publish(lam, 2)
    lam.delete_function(FunctionName="hello", Qualifier="2")
    publish(lam, 1)
    assert versions(lam) == ["$LATEST", "1", "3"]
    lam.delete_function(FunctionName="hello")
    create_function(lam)
    publish(lam, 1)
    assert versions(lam) == ["$LATEST", "4"]


def versions(lam: Client) -> list[str]:
    pages = lam.get_paginator("list_versions_by_function").paginate(FunctionName="hello")
    return [version["Version"] for page in pages for version in page["Versions"]]


@pytest.mark.parametrize(
    ("name", "qualifier", "arn", "version"),
    [
        ("hello", None, ARN, "$LATEST"),
        ("hello", "$LATEST", f"{ARN}:$LATEST", "$LATEST"),
        ("hello", "1", f"{ARN}:1", "1"),
        ("hello", "ACTIVE", f"{ARN}:ACTIVE", "1"),
        ("hello:ACTIVE", None, f"{ARN}:ACTIVE", "1"),
        (f"{ARN}:ACTIVE", None, f"{ARN}:ACTIVE", "1"),
        (ARN, "2", f"{ARN}:2", "2"),
        ("123456789012:function:hello:2", None, f"{ARN}:2", "2"),
        ("function:hello", "2", f"{ARN}:2", "2"),
    ],
)
def test_finds_a_function_by_any_name(
    lam: Client, name: str, qualifier: str | None, arn: str, version: str
) -> None:
    create_function(lam)
    publish(lam, 2)
    lam.create_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")
    params = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    shown = lam.get_function_configuration(**params)
    assert (shown["FunctionArn"], shown["Version"]) == (arn, version)
    shown = lam.get_function(**params)
    assert shown["Configuration"]["FunctionArn"] == arn
    assert shown["Code"]["RepositoryType"] == "S3"


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"FunctionName": "nobody"}, ("ResourceNotFoundException", 404)),
        ({"FunctionName": "hello", "Qualifier": "9"}, ("ResourceNotFoundException", 404)),
        ({"FunctionName": "hello", "Qualifier": "NOPE"}, ("ResourceNotFoundException", 404)),
        (
            {"FunctionName": "hello:1", "Qualifier": "2"},
            ("InvalidParameterValueException", 400),
        ),
        ({"FunctionName": "he llo"}, ("ValidationException", 400)),
    ],
)
def test_refuses_what_is_not_there(
    lam: Client, params: dict[str, str], error: tuple[str, int]
) -> None:
    create_function(lam)
    assert refuse(lam.get_function, **params) == error
    assert refuse(lam.get_function_configuration, **params) == error


def test_an_alias_protects_its_versions(lam: Client) -> None:
    create_function(lam)
    publish(lam, 3)
    routing = {"AdditionalVersionWeights": {"2": 0.1}}
    lam.create_alias(
        FunctionName="hello", Name="ACTIVE", FunctionVersion="1", RoutingConfig=routing
    )
    for protected in ("1", "2"):
        refused = refuse(lam.delete_function, FunctionName="hello", Qualifier=protected)
        assert refused == ("ResourceConflictException", 409)
    lam.delete_function(FunctionName="hello", Qualifier="3")
    assert versions(lam) == ["$LATEST", "1", "2"]
    refused = refuse(lam.get_function, FunctionName="hello", Qualifier="3")
    assert refused == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize("qualifier", ["$LATEST", "ACTIVE"])
def test_only_versions_can_be_deleted_alone(lam: Client, qualifier: str) -> None:
    create_function(lam, Publish=True)
    lam.create_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")
    refused = refuse(lam.delete_function, FunctionName="hello", Qualifier=qualifier)
    assert refused == ("InvalidParameterValueException", 400)


def test_deleting_a_function_deletes_its_aliases(lam: Client) -> None:
    create_function(lam, Publish=True)
    lam.create_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")
    gone = lam.delete_function(FunctionName="hello")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refuse(lam.list_aliases, FunctionName="hello") == ("ResourceNotFoundException", 404)
    create_function(lam)
    assert lam.list_aliases(FunctionName="hello")["Aliases"] == []


def test_lists_versions_in_pages_with_latest_first(lam: Client) -> None:
    create_function(lam)
    publish(lam, 120)
    first = lam.list_versions_by_function(FunctionName="hello", MaxItems=1000)
    assert len(first["Versions"]) == 50
    assert first["Versions"][0]["FunctionArn"] == f"{ARN}:$LATEST"
    assert first["Versions"][1]["FunctionArn"] == f"{ARN}:1"
    assert versions(lam) == ["$LATEST", *(str(number) for number in range(1, 121))]
    few = lam.list_versions_by_function(FunctionName="hello", MaxItems=2)
    assert len(few["Versions"]) == 2
    assert few["NextMarker"]


def test_refuses_a_marker_of_its_own_invention(lam: Client) -> None:
    create_function(lam)
    for marker in ("what?", "aGVsbG8="):
        refused = refuse(lam.list_versions_by_function, FunctionName="hello", Marker=marker)
        assert refused == ("InvalidParameterValueException", 400)


def test_lists_functions_in_pages(lam: Client, cfn: Client, s3: Client) -> None:
    upload(s3, "A")
    names = [f"function-{number}" for number in range(70)]
    functions = {f"F{number}": function("A", name) for number, name in enumerate(names)}
    cfn.create_stack(StackName="demo", TemplateBody=body(functions))
    assert len(lam.list_functions()["Functions"]) == 50
    pages = lam.get_paginator("list_functions").paginate()
    assert [each["FunctionName"] for page in pages for each in page["Functions"]] == names


def test_lists_every_version_of_every_function(lam: Client) -> None:
    create_function(lam, Publish=True)
    listed = lam.list_functions(FunctionVersion="ALL")["Functions"]
    assert [each["FunctionArn"] for each in listed] == [f"{ARN}:$LATEST", f"{ARN}:1"]


def test_a_test_can_set_the_state_of_one_version(aws: LocalAws, lam: Client) -> None:
    create_function(lam)
    publish(lam, 2)
    lam.create_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")
    aws.set_state("hello", "1", state="Inactive", reason_code="ImageDeleted", region=REGION)
    shown = lam.get_function(FunctionName="hello", Qualifier="ACTIVE")["Configuration"]
    assert (shown["State"], shown["StateReasonCode"]) == ("Inactive", "ImageDeleted")
    assert show(lam, "2")["State"] == "Active"
    aws.set_state("hello", "2", state="Active", last_update_status="Failed", region=REGION)
    assert show(lam, "2")["LastUpdateStatus"] == "Failed"


def test_regions_and_accounts_are_apart(lam: Client, clients: Clients) -> None:
    create_function(lam)
    assert clients.get("lambda", "ap-southeast-2").list_functions()["Functions"] == []
    sts = clients.get("sts")
    assert sts.get_caller_identity()["Account"] == "123456789012"
    assumed = sts.assume_role(RoleArn="arn:aws:iam::999999999999:role/sah", RoleSessionName="sah")
    assert assumed["AssumedRoleUser"]["Arn"].startswith("arn:aws:sts::999999999999:assumed-role/")


def test_reads_code_from_s3(lam: Client, s3: Client) -> None:
    where = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket="builds", CreateBucketConfiguration=where)
    s3.put_object(Bucket="builds", Key="a.zip", Body=answering("from S3"))
    create_function(lam, Code={"S3Bucket": "builds", "S3Key": "a.zip"})
    assert show(lam)["CodeSha256"] == sha(answering("from S3"))


def test_functions_with_the_same_code_share_it(lam: Client) -> None:
    """A stack of 70 functions is deployed from one zip."""
    storage = find_lambda("123456789012", REGION).storage
    for number in range(10):
        code = {"ZipFile": answering(f"code {number}")}
        create_function(lam, f"a{number}", Code=code)
        create_function(lam, f"b{number}", Code=code)
        found = [
            storage.get_function_by_name_or_arn_with_qualifier(f"{letter}{number}")
            for letter in "ab"
        ]
        assert found[0].code_bytes is found[1].code_bytes


def test_keeps_what_moto_does_well(lam: Client) -> None:
    create_function(lam, Tags={"team": "a"})
    lam.tag_resource(Resource=ARN, Tags={"tier": "1"})
    assert lam.list_tags(Resource=ARN)["Tags"] == {"team": "a", "tier": "1"}
    lam.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=7)
    shown = lam.get_function_concurrency(FunctionName="hello")
    assert shown["ReservedConcurrentExecutions"] == 7
    url = lam.create_function_url_config(FunctionName="hello", AuthType="NONE")
    assert url["FunctionUrl"].startswith("https://")
    layer = lam.publish_layer_version(LayerName="l", Content={"ZipFile": make_zip("", "a")})
    assert layer["LayerVersionArn"].endswith(":layer:l:1")
