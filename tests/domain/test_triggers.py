from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sah.domain.triggers import Trigger, TriggerOrigin, parse_policy, trigger_kind

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:shop-cart"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(["Effect", "Action", "Principal", "Resource", "Condition", "Sid"])


def allow(**changes: object) -> Mapping[str, object]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
    } | changes


def only(*statements: Mapping[str, object], qualifier: str = "") -> Trigger:
    (trigger,) = parse_policy("shop-cart", qualifier, statements)
    return trigger


def test_a_permission_becomes_a_trigger_with_its_source() -> None:
    condition = {
        "StringEquals": {"AWS:SourceAccount": "123456789012"},
        "ArnLike": {"AWS:SourceArn": TOPIC},
    }
    assert only(allow(Condition=condition)) == Trigger(
        "shop-cart", "SNS", TOPIC, "", TriggerOrigin.POLICY
    )


def test_without_a_source_the_principal_is_named() -> None:
    assert only(allow()).source == "sns.amazonaws.com"


def test_the_qualifier_of_the_statement_goes_before_that_of_the_policy() -> None:
    assert only(allow(Resource=f"{ARN}:ACTIVE"), qualifier="7").qualifier == "ACTIVE"
    assert only(allow(), qualifier="7").qualifier == "7"


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Deny"},
        {"Action": "lambda:GetFunction"},
        {"Action": ["lambda:GetFunction", "lambda:GetAlias"]},
        {"Action": None},
    ],
    ids=str,
)
def test_what_does_not_allow_invoking_is_no_trigger(changes: dict[str, object]) -> None:
    assert parse_policy("shop-cart", "", [allow(**changes)]) == ()


@pytest.mark.parametrize("action", ["lambda:*", "*", ["lambda:GetAlias", "lambda:InvokeFunction"]])
def test_an_action_that_includes_invoking_counts(action: object) -> None:
    assert only(allow(Action=action)).kind == "SNS"


def test_both_permissions_of_a_function_url_are_one_trigger() -> None:
    url = allow(Principal="*", Action="lambda:InvokeFunctionUrl")
    through = allow(Principal="*", Condition={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}})
    assert only(url, through).kind == "Function URL"


@pytest.mark.parametrize(
    ("principal", "kind", "source"),
    [
        ("*", "Anyone", "*"),
        ({"AWS": "*"}, "Anyone", "*"),
        ({"AWS": "arn:aws:iam::1:root"}, "Account", "arn:aws:iam::1:root"),
        ({"Service": ["s3.amazonaws.com"]}, "S3", "s3.amazonaws.com"),
        (
            {"Service": "logs.eu-west-1.amazonaws.com"},
            "CloudWatch Logs",
            "logs.eu-west-1.amazonaws.com",
        ),
    ],
    ids=str,
)
def test_who_may_invoke(principal: object, kind: str, source: str) -> None:
    trigger = only(allow(Principal=principal))
    assert (trigger.kind, trigger.source) == (kind, source)


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ("apigateway.amazonaws.com", "API Gateway"),
        ("sqs", "SQS"),
        ("events.amazonaws.com", "EventBridge"),
        ("lambda.alarms.cloudwatch.amazonaws.com", "CloudWatch alarm"),
        ("lambda.amazonaws.com", "Lambda"),
        ("brand-new.amazonaws.com", "brand-new"),
        ("", "unknown"),
    ],
)
def test_services_are_named_as_people_do(service: str, kind: str) -> None:
    assert trigger_kind(service) == kind


def test_only_the_alias_itself_is_followed() -> None:
    on_alias = only(allow(Resource=f"{ARN}:ACTIVE"))
    assert on_alias.follows("ACTIVE")
    assert not on_alias.follows("live")
    assert not only(allow()).follows("ACTIVE")


@given(st.lists(st.dictionaries(KEYS, JSON, max_size=4), max_size=3))
def test_no_policy_is_too_odd_to_be_read(statements: list[dict[str, object]]) -> None:
    allowed = [statement | {"Effect": "Allow", "Action": "*"} for statement in statements]
    triggers = parse_policy("shop-cart", "ACTIVE", allowed)
    assert len(triggers) <= len(allowed)
    assert all(trigger.function == "shop-cart" and trigger.kind for trigger in triggers)
