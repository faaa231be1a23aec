import pytest

from sah.domain.arns import FunctionArn, find_function_arn

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:shop-cart"


def find(text: str) -> FunctionArn:
    found = find_function_arn(text)
    assert found is not None
    return found


def test_an_unqualified_arn_has_no_qualifier() -> None:
    arn = find(ARN)
    assert (arn.name, arn.qualifier, arn.region) == ("shop-cart", "", "eu-west-1")
    assert arn.account == "123456789012"


@pytest.mark.parametrize("qualifier", ["7", "ACTIVE", "$LATEST"])
def test_the_qualifier_is_kept(qualifier: str) -> None:
    assert find(f"{ARN}:{qualifier}").qualifier == qualifier


def test_other_partitions_are_arns_too() -> None:
    text = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f:3"
    assert find(text).partition == "aws-us-gov"


def test_the_arn_within_an_integration_uri_is_found() -> None:
    uri = f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{ARN}:ACTIVE/invocations"
    found = find(uri)
    assert (found.name, found.qualifier) == ("shop-cart", "ACTIVE")


@pytest.mark.parametrize("text", ["", "shop-cart", "arn:aws:sqs:eu-west-1:123456789012:orders"])
def test_a_text_without_an_arn_has_none(text: str) -> None:
    assert find_function_arn(text) is None
