"""Aliases keep AWS's rules: revisions, weights, and versions that exist."""

# ruff: noqa: ANN401 -- what boto3 takes and answers is Any

from typing import Any

import pytest

from tests.localaws.conftest import Client, create_function, publish, refuse


@pytest.fixture(autouse=True)
def hello(lam: Client) -> None:
    create_function(lam)
    publish(lam, 3)


def refuse_hello(lam: Client, operation: str, **params: Any) -> tuple[str, int]:
    return refuse(getattr(lam, operation), FunctionName="hello", **params)


def create(lam: Client, version: str = "1", name: str = "ACTIVE", **more: Any) -> Any:
    return lam.create_alias(FunctionName="hello", Name=name, FunctionVersion=version, **more)


def test_shows_what_was_created(lam: Client) -> None:
    created = create(lam, "2", Description="live")
    shown = lam.get_alias(FunctionName="hello", Name="ACTIVE")
    assert shown["AliasArn"] == "arn:aws:lambda:eu-west-1:123456789012:function:hello:ACTIVE"
    assert (shown["FunctionVersion"], shown["Description"]) == ("2", "live")
    assert shown["RevisionId"] == created["RevisionId"]
    assert "RoutingConfig" not in shown
    assert shown["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201


def test_takes_a_function_by_any_of_its_names(lam: Client) -> None:
    create(lam)
    for name in (
        "arn:aws:lambda:eu-west-1:123456789012:function:hello",
        "123456789012:function:hello",
    ):
        assert lam.get_alias(FunctionName=name, Name="ACTIVE")["FunctionVersion"] == "1"


def test_every_update_changes_the_revision(lam: Client) -> None:
    first = create(lam)["RevisionId"]
    second = lam.update_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")
    assert second["RevisionId"] != first


def test_refuses_a_stale_revision_and_changes_nothing(lam: Client) -> None:
    stale = create(lam)["RevisionId"]
    lam.update_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="2", RevisionId=stale)
    update = {"Name": "ACTIVE", "FunctionVersion": "3", "RevisionId": stale}
    assert refuse_hello(lam, "update_alias", **update) == ("PreconditionFailedException", 412)
    assert lam.get_alias(FunctionName="hello", Name="ACTIVE")["FunctionVersion"] == "2"


def test_weights_stay_until_they_are_cleared(lam: Client) -> None:
    create(lam, "1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}})
    kept = lam.update_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="3")
    assert kept["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.25}}
    cleared = lam.update_alias(
        FunctionName="hello", Name="ACTIVE", RoutingConfig={"AdditionalVersionWeights": {}}
    )
    assert "RoutingConfig" not in cleared
    assert cleared["FunctionVersion"] == "3"


@pytest.mark.parametrize(
    ("version", "weights", "error"),
    [
        ("1", {"2": 1.5}, ("ValidationException", 400)),
        ("1", {"$LATEST": 0.5}, ("ValidationException", 400)),
        ("1", {"other": 0.5}, ("ValidationException", 400)),
        ("1", {"2": 0.1, "3": 0.1}, ("InvalidParameterValueException", 400)),
        ("1", {"1": 0.5}, ("InvalidParameterValueException", 400)),
        ("$LATEST", {"1": 0.5}, ("InvalidParameterValueException", 400)),
        ("1", {"99": 0.5}, ("ResourceNotFoundException", 404)),
    ],
)
def test_refuses_senseless_weights(
    lam: Client, version: str, weights: dict[str, float], error: tuple[str, int]
) -> None:
    create(lam)
    params = {
        "Name": "ACTIVE",
        "FunctionVersion": version,
        "RoutingConfig": {"AdditionalVersionWeights": weights},
    }
    assert refuse_hello(lam, "update_alias", **params) == error
    assert lam.get_alias(FunctionName="hello", Name="ACTIVE")["FunctionVersion"] == "1"


def test_refuses_two_versions_with_different_roles(lam: Client) -> None:
    lam.update_function_configuration(
        FunctionName="hello", Role="arn:aws:iam::123456789012:role/other"
    )
    lam.publish_version(FunctionName="hello")
    create(lam)
    routing = {"AdditionalVersionWeights": {"4": 0.5}}
    refused = refuse_hello(lam, "update_alias", Name="ACTIVE", RoutingConfig=routing)
    assert refused == ("InvalidParameterValueException", 400)


def test_refuses_two_versions_with_different_dead_letter_queues(lam: Client) -> None:
    lam.update_function_configuration(
        FunctionName="hello",
        DeadLetterConfig={"TargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead"},
    )
    lam.publish_version(FunctionName="hello")
    create(lam)
    routing = {"AdditionalVersionWeights": {"4": 0.5}}
    refused = refuse_hello(lam, "update_alias", Name="ACTIVE", RoutingConfig=routing)
    assert refused == ("InvalidParameterValueException", 400)


@pytest.mark.parametrize(
    ("operation", "params", "error"),
    [
        ("create_alias", {"Name": "NEW", "FunctionVersion": "99"}, "ResourceNotFoundException"),
        ("update_alias", {"Name": "ACTIVE", "FunctionVersion": "99"}, "ResourceNotFoundException"),
        ("update_alias", {"Name": "OTHER", "FunctionVersion": "1"}, "ResourceNotFoundException"),
        ("get_alias", {"Name": "OTHER"}, "ResourceNotFoundException"),
        ("create_alias", {"Name": "ACTIVE", "FunctionVersion": "1"}, "ResourceConflictException"),
        ("create_alias", {"Name": "7", "FunctionVersion": "1"}, "ValidationException"),
        ("create_alias", {"Name": "NEW", "FunctionVersion": "ACTIVE"}, "ValidationException"),
    ],
)
def test_refuses(lam: Client, operation: str, params: dict[str, str], error: str) -> None:
    create(lam)
    statuses = {"ResourceNotFoundException": 404, "ResourceConflictException": 409}
    assert refuse_hello(lam, operation, **params) == (error, statuses.get(error, 400))


def test_deletes_an_alias_and_does_not_mind_a_second_time(lam: Client) -> None:
    create(lam)
    for _ in range(2):
        gone = lam.delete_alias(FunctionName="hello", Name="ACTIVE")
        assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refuse_hello(lam, "get_alias", Name="ACTIVE") == ("ResourceNotFoundException", 404)


def test_lists_aliases_by_version_with_those_that_get_a_share(lam: Client) -> None:
    create(lam, "1", "main")
    create(lam, "2", "canary", RoutingConfig={"AdditionalVersionWeights": {"1": 0.1}})
    create(lam, "3", "other")
    found = lam.list_aliases(FunctionName="hello", FunctionVersion="1")["Aliases"]
    assert [alias["Name"] for alias in found] == ["canary", "main"]


def test_lists_aliases_in_pages(lam: Client) -> None:
    names = [f"alias-{number:03}" for number in range(60)]
    for name in names:
        create(lam, "1", name)
    first = lam.list_aliases(FunctionName="hello", MaxItems=10_000)
    assert len(first["Aliases"]) == 50
    rest = lam.list_aliases(FunctionName="hello", Marker=first["NextMarker"])
    assert "NextMarker" not in rest
    assert [alias["Name"] for alias in first["Aliases"] + rest["Aliases"]] == names
