"""Turn what botocore raises into SAH's own errors, in plain words: the one place for it."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from sah.aws.permissions import find_action
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
)

THROTTLE_CODES: Final = frozenset(
    {
        "TooManyRequestsException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "PriorRequestNotComplete",
    }
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_UNKNOWN_KEY: Final = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClient",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "AuthFailure",
        "OptInRequired",
    }
)
_BAD_SIGNATURE: Final = frozenset(
    {
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "RequestExpired",
        "RequestTimeTooSkewed",
    }
)
_NO_SIGNATURE: Final = frozenset(
    {"MissingAuthenticationToken", "MissingAuthenticationTokenException"}
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_NOT_FOUND: Final = frozenset({"ResourceNotFoundException", "StackNotFoundException"})
_UNREACHABLE: Final = (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError)
_UNREADABLE: Final = (ResponseParserError, KeyError, ValueError)
_NO_CREDENTIALS: Final = (
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
    boto.SSOError,
    boto.LoginError,
    boto.ProfileNotFound,
    boto.ConfigParseError,
    boto.ConfigNotFound,
    boto.InvalidConfigError,
    boto.RefreshWithMFAUnsupportedError,
    boto.UnknownCredentialError,
)

_ACTION = re.compile(r"not authorized to perform: (\S+)")
_ACCESS_KEY_ID = re.compile(r"\b(?:A3T[A-Z0-9]|[A-Z]{3}A)[A-Z0-9]{8,124}([A-Z0-9]{4})\b")
_LONG_SECRET = re.compile(r"[A-Za-z0-9/+=%]{40,}")
_USER_INFO = re.compile(r"//[^/@\s]*@")
_SIGNED = re.compile(r"\s*(The Canonical String|The String-to-Sign|Credential=).*", re.DOTALL)
_LONGEST = 300


@contextmanager
def translated(call: str, subject: str) -> Iterator[None]:
    """Raise SAH's errors in place of botocore's, and of those of reading the answer.

    A proxy may answer in AWS's place, and an answer may be cut short: then something
    is missing that AWS always sends. The chain is cut: botocore's messages may hold
    signed headers, which would then be in every log that shows a traceback.
    """
    try:
        yield
    except (ClientError, BotoCoreError, *_UNREADABLE) as error:
        raise translate_error(error, call, subject) from None


def translate_error(error: Exception, call: str, subject: str) -> AwsError:
    """Say in plain words what went wrong with ``call``, and what to do about it.

    ``subject`` is a phrase for a person, such as ``alias ACTIVE of shop-dev-cart``.
    """
    if isinstance(error, ClientError):
        return _translate_answer(_Answer.of(error, call, subject))
    return _translate_failure(error, call, subject)


def is_throttled(status: int, answer: Mapping[str, Any]) -> bool:
    """Say whether an answer, as botocore parsed it, is a refusal for too many calls."""
    code = answer.get("Error", {}).get("Code")
    return status == HTTPStatus.TOO_MANY_REQUESTS or code in THROTTLE_CODES


def redact(text: str) -> str:
    """Keep one short line of what AWS said, without keys, tokens and signed headers."""
    text = _USER_INFO.sub("//", _SIGNED.sub("", text))
    text = _ACCESS_KEY_ID.sub(r"…\1", text)
    text = " ".join(_LONG_SECRET.sub("…", text).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


@dataclass(frozen=True, slots=True)
class _Answer:
    """The facts of one error answer; ``text`` is what AWS said, redacted."""

    call: str
    subject: str
    code: str
    status: int
    text: str

    @classmethod
    def of(cls, error: ClientError, call: str, subject: str) -> "_Answer":
        details = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        # A role is assumed on the way to another call: then that is what failed.
        if error.operation_name == "AssumeRole":
            call, subject = "AssumeRole", "the account's role"
        text = redact(str(details.get("Message") or "no reason given")).rstrip(".")
        return cls(call, subject, str(details.get("Code", "")), int(status), text)

    def error(self, kind: type[AwsError], message: str, hint: str = "") -> AwsError:
        return kind(message, hint, call=self.call, subject=self.subject)


def _translate_answer(answer: _Answer) -> AwsError:
    for fits, make in _RULES:
        if fits(answer):
            return make(answer)
    return answer.error(
        AwsError,
        f"AWS refused {answer.call} for {answer.subject}: {answer.text} ({answer.code}).",
    )


def _expired(answer: _Answer) -> AwsError:
    return answer.error(
        AwsCredentialsError,
        "The AWS credentials have expired.",
        "Replace them; a role or a lasting access key does not expire like this.",
    )


def _unknown_key(answer: _Answer) -> AwsError:
    return answer.error(
        AwsCredentialsError,
        "AWS does not accept the access key.",
        "It may be deleted or inactive, or the Region is not enabled for the AWS account.",
    )


def _bad_signature(answer: _Answer) -> AwsError:
    return answer.error(
        AwsCredentialsError,
        "AWS does not accept the signature: the secret access key or the clock is wrong.",
        "Enter the secret again, and check that the clock of this server is right.",
    )


def _no_signature(answer: _Answer) -> AwsError:
    return answer.error(
        AwsCredentialsError,
        "AWS got a call without credentials.",
        "Check how the account is reached, and whether a proxy strips headers.",
    )


def _denied(answer: _Answer) -> AwsError:
    found = _ACTION.search(answer.text)
    action = found.group(1) if found else find_action(answer.call)
    if answer.call == "AssumeRole":
        return answer.error(
            AwsAccessDeniedError,
            "AWS does not let SAH assume the account's role.",
            "Check the role's trust policy, the external id, and that SAH's own identity"
            " is allowed sts:AssumeRole on it.",
        )
    if "explicit deny" in answer.text:
        hint = f"A policy denies {action} explicitly: whoever owns that policy has to change it."
    else:
        hint = f"Add {action} to the IAM policy of SAH's user or role."
    return answer.error(
        AwsAccessDeniedError, f"The permission {action} is missing for {answer.subject}.", hint
    )


def _throttled(answer: _Answer) -> AwsError:
    return answer.error(
        AwsThrottledError,
        f"AWS kept refusing {answer.call} for {answer.subject}: too many calls in this Region.",
        "Something else, such as a deploy, uses up the account's rate: try again in a minute.",
    )


def _not_found(answer: _Answer) -> AwsError:
    missing = answer.subject
    if answer.call == "UpdateAlias":
        missing += ", or the version that it is to serve"
    return answer.error(
        AwsNotFoundError,
        f"AWS does not find the {missing}: {answer.text}.",
        "It may have been deleted or renamed since the last sync.",
    )


def _moved(answer: _Answer) -> AwsError:
    return answer.error(
        AliasMovedError,
        f"The {answer.subject} was changed by somebody else in the meantime.",
        "Look at where it is now, then decide again.",
    )


def _conflict(answer: _Answer) -> AwsError:
    return answer.error(
        AwsConflictError,
        f"AWS could not do {answer.call} for {answer.subject} now: {answer.text}.",
        "If another change of it is in progress, try again when that has ended.",
    )


def _server(answer: _Answer) -> AwsError:
    return answer.error(
        AwsServerError,
        f"AWS failed at {answer.call} for {answer.subject}: {answer.text} (HTTP {answer.status}).",
        "Whether it had an effect is not known; try again, or look at the AWS status page.",
    )


def _is_not_found(answer: _Answer) -> bool:
    return answer.code in _NOT_FOUND or (
        answer.code == "ValidationError" and "does not exist" in answer.text
    )


# The first rule that fits counts, so codes stand before statuses.
_RULES: Final[tuple[tuple[Callable[[_Answer], bool], Callable[[_Answer], AwsError]], ...]] = (
    (lambda a: a.code in _EXPIRED, _expired),
    (lambda a: a.code in _UNKNOWN_KEY, _unknown_key),
    (lambda a: a.code in _BAD_SIGNATURE, _bad_signature),
    (lambda a: a.code in _NO_SIGNATURE, _no_signature),
    (lambda a: a.code in _DENIED, _denied),
    (lambda a: a.code in THROTTLE_CODES or a.status == HTTPStatus.TOO_MANY_REQUESTS, _throttled),
    (_is_not_found, _not_found),
    (lambda a: a.status == HTTPStatus.PRECONDITION_FAILED, _moved),
    (lambda a: a.status == HTTPStatus.CONFLICT, _conflict),
    (lambda a: a.status >= HTTPStatus.INTERNAL_SERVER_ERROR, _server),
)


def _translate_failure(error: Exception, call: str, subject: str) -> AwsError:
    kind, message, hint = _describe_failure(error, f"{call} for {subject}")
    return kind(message, hint, call=call, subject=subject)


def _describe_failure(error: Exception, what: str) -> tuple[type[AwsError], str, str]:
    reason = redact(str(error)).rstrip(".")
    if isinstance(error, boto.NoCredentialsError):
        return (
            AwsCredentialsError,
            "There are no AWS credentials on this server.",
            "Give it an instance role or the AWS_* variables, or enter keys for the account.",
        )
    if isinstance(error, boto.PartialCredentialsError):
        return (
            AwsCredentialsError,
            f"The AWS credentials on this server are incomplete: {reason}.",
            "Set both the access key id and the secret access key.",
        )
    if isinstance(error, _NO_CREDENTIALS):
        return (
            AwsCredentialsError,
            f"The AWS credentials on this server cannot be used: {reason}.",
            "Check the AWS_* variables and the AWS profile that SAH runs with.",
        )
    if isinstance(error, _UNREACHABLE):
        return (
            AwsUnreachableError,
            f"No answer from AWS to {what}: {reason}.",
            "Check the Region, the endpoint and the network of this server.",
        )
    if isinstance(error, _UNREADABLE):
        return (
            AwsServerError,
            f"The answer to {what} is not one of AWS.",
            "Check the endpoint, and whether a proxy answers in place of AWS.",
        )
    return AwsError, f"{what} could not be asked of AWS: {reason}.", ""
