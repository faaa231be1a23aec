import pytest

from sah.domain.arns import FunctionArn, StackArn, find_function_arn, parse_stack_arn

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


@pytest.mark.parametrize("end", ["", "/", "/0a1b-7"])
def test_a_stack_s_arn_is_taken_apart_without_its_id(end: str) -> None:
    text = f"arn:aws:cloudformation:eu-west-1:123456789012:stack/shop-prod{end}"
    assert parse_stack_arn(text) == StackArn("eu-west-1", "123456789012", "shop-prod")


@pytest.mark.parametrize("text", ["", "shop-prod", ARN, "arn:aws:cloudformation:x:1:stack/shop"])
def test_what_is_no_stack_s_arn_gives_none(text: str) -> None:
    assert parse_stack_arn(text) is None
