"""What botocore raises becomes SAH's errors: the right kind, in plain words, no secrets."""

from collections.abc import Callable

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from sah.aws.errors import redact, translate_error, translated
from sah.aws.gateway import AwsGateway
from sah.domain.aliases import Routing
from sah.domain.errors import (
    AliasMovedError,
    AwsAccessDeniedError,
    AwsConflictError,
    AwsCredentialsError,
    AwsError,
    AwsNotFoundError,
    AwsServerError,
    AwsThrottledError,
    AwsUnreachableError,
    InvalidInputError,
)
from tests.aws.world import LocalWorld

ALIAS = "alias ACTIVE of shop-dev-cart"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
USER = "arn:aws:iam::123456789012:user/sah"


def answer(
    code: str, status: int = 400, message: str = "Because.", call: str = "UpdateAlias"
) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "RequestId": "",
                "HostId": "",
                "HTTPStatusCode": status,
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        call,
    )


def translate(error: Exception) -> AwsError:
    return translate_error(error, "UpdateAlias", ALIAS)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (answer("ExpiredToken", 403), AwsCredentialsError, "expired"),
        (answer("ExpiredTokenException", 403), AwsCredentialsError, "expired"),
        (answer("InvalidClientTokenId", 403), AwsCredentialsError, "access key"),
        (answer("UnrecognizedClientException", 403), AwsCredentialsError, "access key"),
        (answer("UnrecognizedClient", 403), AwsCredentialsError, "access key"),
        (answer("SignatureDoesNotMatch", 403), AwsCredentialsError, "secret access key"),
        (answer("InvalidSignatureException", 403), AwsCredentialsError, "clock"),
        (answer("MissingAuthenticationToken", 403), AwsCredentialsError, "without credentials"),
        (answer("AccessDenied", 403), AwsAccessDeniedError, "lambda:UpdateAlias"),
        (answer("AccessDeniedException", 403), AwsAccessDeniedError, "lambda:UpdateAlias"),
        (answer("UnauthorizedOperation", 403), AwsAccessDeniedError, "lambda:UpdateAlias"),
        (answer("TooManyRequestsException", 429), AwsThrottledError, "too many calls"),
        (answer("Throttling", 400), AwsThrottledError, "too many calls"),
        (answer("SomethingNew", 429), AwsThrottledError, "too many calls"),
        (answer("ResourceNotFoundException", 404), AwsNotFoundError, "does not find"),
        (
            answer("ValidationError", 400, "Stack with id x does not exist"),
            AwsNotFoundError,
            "Stack with id x does not exist",
        ),
        (answer("PreconditionFailedException", 412), AliasMovedError, "somebody else"),
        (answer("ResourceConflictException", 409), AwsConflictError, "Because"),
        (answer("ServiceException", 500), AwsServerError, "HTTP 500"),
        (answer("502", 502), AwsServerError, "HTTP 502"),
        (answer("InvalidParameterValueException", 400), AwsError, "Because"),
        (answer("ValidationError", 400, "Template error"), AwsError, "Template error"),
        (boto.NoCredentialsError(), AwsCredentialsError, "no AWS credentials"),
        (
            boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            AwsCredentialsError,
            "AWS_SECRET_ACCESS_KEY",
        ),
        (
            boto.CredentialRetrievalError(provider="sso", error_msg="no token"),
            AwsCredentialsError,
            "no token",
        ),
        (boto.ProfileNotFound(profile="shop"), AwsCredentialsError, "shop"),
        (boto.EndpointConnectionError(endpoint_url="https://x"), AwsUnreachableError, "https://x"),
        (boto.ConnectTimeoutError(endpoint_url="https://x"), AwsUnreachableError, "https://x"),
        (boto.ReadTimeoutError(endpoint_url="https://x"), AwsUnreachableError, "https://x"),
        (boto.ConnectionClosedError(endpoint_url="https://x"), AwsUnreachableError, "https://x"),
        (
            boto.SSLError(endpoint_url="https://x", error=ValueError("bad")),
            AwsUnreachableError,
            "bad",
        ),
        (ResponseParserError("<html>"), AwsServerError, "not one of AWS"),
        (boto.ParamValidationError(report="Invalid length"), AwsError, "Invalid length"),
    ],
    ids=lambda value: (
        value.response["Error"]["Code"] if isinstance(value, ClientError) else type(value).__name__
    ),
)
def test_every_failure_has_its_kind_and_says_what_is_wrong(
    error: Exception, kind: type[AwsError], words: str
) -> None:
    translated_error = translate(error)
    assert type(translated_error) is kind
    assert words in translated_error.message
    assert translated_error.message.endswith(".")
    assert translated_error.call == "UpdateAlias"
    assert translated_error.subject == ALIAS


def test_a_denial_names_the_action_that_aws_named() -> None:
    error = translate(
        answer(
            "AccessDeniedException",
            403,
            f"User: {USER} is not authorized to perform: lambda:GetAlias on resource: arn:x"
            " because no identity-based policy allows the lambda:GetAlias action",
        )
    )
    assert "lambda:GetAlias" in error.message
    assert ALIAS in error.message
    assert "Add lambda:GetAlias" in error.hint


def test_an_explicit_denial_is_not_cured_by_adding_the_action() -> None:
    text = "not authorized to perform: lambda:GetAlias on resource: arn:x with an explicit deny"
    assert "explicitly" in translate(answer("AccessDenied", 403, text)).hint


def test_a_role_that_cannot_be_assumed_is_not_blamed_on_the_call_behind_it() -> None:
    text = f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: arn:y"
    error = translate(answer("AccessDenied", 403, text, call="AssumeRole"))
    assert type(error) is AwsAccessDeniedError
    assert error.call == "AssumeRole"
    assert "trust policy" in error.hint


def test_a_move_that_finds_nothing_may_lack_the_alias_or_the_version() -> None:
    error = translate(answer("ResourceNotFoundException", 404, "Function not found: cart:1"))
    assert error.message == (
        "AWS does not find the alias ACTIVE of shop-dev-cart, or the version that it is to serve:"
        " Function not found: cart:1."
    )


def test_an_unknown_refusal_keeps_what_aws_said_with_its_code() -> None:
    error = translate(answer("CodeStorageExceededException", 400, "Code storage limit exceeded."))
    assert error.message == (
        "AWS refused UpdateAlias for alias ACTIVE of shop-dev-cart:"
        " Code storage limit exceeded (CodeStorageExceededException)."
    )


@pytest.mark.parametrize(
    "text",
    [
        f"The key {KEY_ID} is inactive",
        f"The secret is {SECRET}",
        f"Credential={KEY_ID}/20260301/eu-west-1/lambda/aws4_request",
        f"It does not match. The Canonical String is\n'POST\nx-amz-security-token:{SECRET}'",
        "Could not connect to http://user:hunter2hunter2@proxy:3128/",
    ],
)
def test_no_key_token_or_signed_header_gets_into_a_message(text: str) -> None:
    for error in (
        translate(answer("Odd", 400, text)),
        translate(boto.CredentialRetrievalError(provider="env", error_msg=text)),
    ):
        for secret in (KEY_ID, SECRET, "x-amz-security-token", "Credential=", "hunter2"):
            assert secret not in str(error)


def test_the_last_four_of_an_access_key_id_are_kept() -> None:
    assert redact(f"The key {KEY_ID} is inactive") == "The key …MPLE is inactive"


@given(st.text(max_size=2000))
def test_what_aws_said_becomes_one_short_line(text: str) -> None:
    line = redact(text)
    assert len(line) <= 300
    assert line == " ".join(line.split())


def test_an_arn_is_kept_whole() -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:shop-dev-cart-with-a-rather-long-name:7"
    assert redact(f"Function not found: {arn}") == f"Function not found: {arn}"


def test_the_chain_to_botocore_is_cut_so_that_no_traceback_shows_headers() -> None:
    with pytest.raises(AwsServerError) as caught, translated("GetAlias", ALIAS):
        raise answer("ServiceException", 500)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_other_errors_pass_through_untouched() -> None:
    mistake = InvalidInputError("No.")
    with pytest.raises(InvalidInputError) as caught, translated("GetAlias", ALIAS):
        raise mistake
    assert caught.value is mistake


@pytest.mark.parametrize(
    ("call", "ask"),
    [
        ("GetCallerIdentity", lambda g: g.get_identity()),
        ("ListStacks", lambda g: g.list_stacks()),
        ("DescribeStacks", lambda g: g.get_stack("shop")),
        ("ListStackResources", lambda g: g.get_stack_content("shop")),
        ("ListVersionsByFunction", lambda g: g.list_versions("cart")),
        ("ListAliases", lambda g: g.list_aliases("cart")),
        ("GetPolicy", lambda g: g.list_policy_triggers("cart")),
        ("ListEventSourceMappings", lambda g: g.list_mapping_triggers()),
        ("GetAlias", lambda g: g.get_alias("cart", "ACTIVE")),
        ("GetFunction", lambda g: g.get_version("cart", "ACTIVE")),
        ("UpdateAlias", lambda g: g.update_alias("cart", "ACTIVE", Routing("1"))),
        ("CreateAlias", lambda g: g.create_alias("cart", "ACTIVE", "1")),
    ],
)
def test_an_answer_that_lacks_what_aws_always_sends_is_an_error_of_the_call(
    local: LocalWorld, call: str, ask: Callable[[AwsGateway], object]
) -> None:
    local.aws.fail_next(call, times=9, status=200, message="Welcome to this hotel's network.")
    with pytest.raises(AwsServerError) as caught:
        ask(local.gateway)
    assert caught.value.message.startswith(f"The answer to {call} for ")
