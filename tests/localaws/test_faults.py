"""Faults that a test asks for."""

import pytest
from botocore.exceptions import ClientError

from sah.localaws import LocalAws
from tests.localaws.conftest import Client, create_function, publish, refuse


@pytest.fixture(autouse=True)
def hello(lam: Client) -> None:
    create_function(lam)
    publish(lam, 2)
    lam.create_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")


def move(lam: Client, version: str = "2") -> object:
    return lam.update_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion=version)


def live(lam: Client) -> str:
    return str(lam.get_alias(FunctionName="hello", Name="ACTIVE")["FunctionVersion"])


def test_the_next_call_fails_and_the_one_after_does_not(aws: LocalAws, lam: Client) -> None:
    aws.fail_next("UpdateAlias")
    with pytest.raises(lam.exceptions.ServiceException) as caught:
        move(lam)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert live(lam) == "1"
    move(lam)
    assert live(lam) == "2"


def test_chooses_code_status_and_number(aws: LocalAws, lam: Client) -> None:
    aws.fail_next(
        "UpdateAlias", times=2, status=409, code="ResourceConflictException", message="Busy."
    )
    for _ in range(2):
        with pytest.raises(lam.exceptions.ResourceConflictException, match="Busy"):
            move(lam)
    move(lam)
    assert live(lam) == "2"


def test_the_answer_may_be_lost_after_the_effect(aws: LocalAws, lam: Client) -> None:
    aws.fail_next("UpdateAlias", after_effect=True, status=503, code="ServiceUnavailable")
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        move(lam)
    assert live(lam) == "2"


def test_meets_only_the_calls_that_match(aws: LocalAws, lam: Client) -> None:
    aws.fail_next("UpdateAlias", match=lambda params: params["FunctionVersion"] == "2")
    move(lam, "1")
    with pytest.raises(lam.exceptions.ServiceException):
        move(lam, "2")
    move(lam, "2")


def test_faults_wait_in_line(aws: LocalAws, lam: Client) -> None:
    aws.fail_next("GetAlias", code="First", status=400)
    aws.fail_next("GetAlias", code="Second", status=400)
    for code in ("First", "Second"):
        refused = refuse(lam.get_alias, FunctionName="hello", Name="ACTIVE")
        assert refused == (code, 400)
    assert live(lam) == "1"


def test_a_late_answer_is_still_an_answer(aws: LocalAws, lam: Client) -> None:
    aws.fail_next("UpdateAlias", status=None, delay_s=0.05)
    aws.fail_next("GetAlias", status=400, code="Late", delay_s=0.05)
    move(lam)
    assert refuse(lam.get_alias, FunctionName="hello", Name="ACTIVE") == ("Late", 400)
    assert live(lam) == "2"


def test_speaks_the_language_of_each_service(aws: LocalAws, cfn: Client, s3: Client) -> None:
    for operation in ("ListStacks", "ListBuckets"):
        aws.fail_next(operation, status=400, code="Throttling", message="Rate <exceeded>")
    for call in (cfn.list_stacks, s3.list_buckets):
        with pytest.raises(ClientError) as caught:
            call()
        error = caught.value.response["Error"]
        assert (error["Code"], error["Message"]) == ("Throttling", "Rate <exceeded>")
