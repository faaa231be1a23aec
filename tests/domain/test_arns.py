import pytest

from sah.domain.arns import find_function_arn, parse_function_arn
from sah.domain.errors import InvalidInputError

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:shop-cart"


def test_an_unqualified_arn_has_no_qualifier() -> None:
    arn = parse_function_arn(ARN)
    assert (arn.name, arn.qualifier, arn.region) == ("shop-cart", "", "eu-west-1")
    assert arn.account == "123456789012"


@pytest.mark.parametrize("qualifier", ["7", "ACTIVE", "$LATEST"])
def test_the_qualifier_is_kept(qualifier: str) -> None:
    assert parse_function_arn(f"{ARN}:{qualifier}").qualifier == qualifier


def test_other_partitions_are_arns_too() -> None:
    text = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f:3"
    assert parse_function_arn(text).partition == "aws-us-gov"


def test_the_arn_within_an_integration_uri_is_found() -> None:
    uri = f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{ARN}:ACTIVE/invocations"
    found = find_function_arn(uri)
    assert found is not None
    assert (found.name, found.qualifier) == ("shop-cart", "ACTIVE")


def test_a_text_without_an_arn_has_none() -> None:
    assert find_function_arn("arn:aws:sqs:eu-west-1:123456789012:orders") is None


@pytest.mark.parametrize("text", ["", "shop-cart", f"{ARN}:", f"{ARN}:7:8", f" {ARN}"])
def test_what_is_not_a_function_arn_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not the ARN of a Lambda function"):
        parse_function_arn(text)
