"""The one tree of errors that a person may see: what is wrong, and what to do."""

from http import HTTPStatus


class SahError(Exception):
    """Something that a person can understand and act on.

    ``message`` says what is wrong, ``hint`` what to do about it. ``code`` names
    the error for programs, ``status`` is the HTTP status that it answers with.
    """

    code = "error"
    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Join message and hint into what a terminal or a log line shows."""
        return f"{self.message} {self.hint}".strip()


class ConfigError(SahError):
    """A setting is missing or wrong, so SAH refuses to start."""

    code = "config"


class AccessDeniedError(SahError):
    """This person or token may not do that."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN


class InvalidTokenError(SahError):
    """The token is wrong, expired or revoked, or its person may not log in any more."""

    code = "invalid_token"
    status = HTTPStatus.UNAUTHORIZED


class TooManyRequestsError(SahError):
    """That was more often than SAH answers; ``retry_after_s`` says when it does again."""

    code = "too_many_requests"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, hint: str = "", *, retry_after_s: int) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class NotFoundError(SahError):
    """What was asked for does not exist (any more)."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND


class MalformedRequestError(SahError):
    """A program sent what cannot even be read, such as a body that is not JSON."""

    code = "bad_request"
    status = HTTPStatus.BAD_REQUEST


class InvalidInputError(SahError):
    """What a person or program sent makes no sense as it is.

    ``field`` names the form field that is wrong, where there is one.
    """

    code = "invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, message: str, hint: str = "", *, field: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


class ConflictError(SahError):
    """The request is fine, but the state of the world stands against it."""

    code = "conflict"
    status = HTTPStatus.CONFLICT


class DuplicateError(InvalidInputError):
    """A name or a pair that has to be unique is taken."""

    code = "duplicate"
    status = HTTPStatus.CONFLICT


class EditConflictError(ConflictError):
    """Another person saved the same thing in the meantime."""

    code = "edited_meanwhile"


class BusyError(ConflictError):
    """Another operation is moving this project's aliases right now."""

    code = "busy"


class StackBusyError(ConflictError):
    """CloudFormation is updating the stack, and may move the same aliases.

    A form shows it at ``field``, where a person may say why to move all the same.
    """

    code = "stack_busy"
    field = "override_reason"


class StalePlanError(ConflictError):
    """The aliases moved since the plan was shown, so nothing was done."""

    code = "stale_plan"


class RollbackImpossibleError(ConflictError):
    """Nothing of the target exists any more."""

    code = "impossible"


class AwsError(SahError):
    """AWS refused or failed. ``call`` and ``subject`` say what was asked of it."""

    code = "aws"
    status = HTTPStatus.BAD_GATEWAY

    def __init__(self, message: str, hint: str = "", *, call: str = "", subject: str = "") -> None:
        super().__init__(message, hint)
        self.call = call
        self.subject = subject


class AwsUnreachableError(AwsError):
    """No answer came: the outcome of the call is not known."""

    code = "aws_unreachable"


class AwsServerError(AwsError):
    """AWS answered with a 5xx: the outcome of the call is not known."""

    code = "aws_server"


class AwsCredentialsError(AwsError):
    """There are no credentials, or AWS does not accept them."""

    code = "aws_credentials"


class AwsAccessDeniedError(AwsError):
    """The credentials are fine, but lack a permission."""

    code = "aws_access_denied"


class AwsThrottledError(AwsError):
    """AWS's rate limit was hit more often than SAH is willing to wait for (aws-facts 2)."""

    code = "aws_throttled"


class AwsNotFoundError(AwsError):
    """The stack, function, version or alias does not exist (any more)."""

    code = "aws_not_found"
    status = HTTPStatus.NOT_FOUND


class AwsConflictError(AwsError):
    """AWS is busy with the same thing: 409 (aws-facts 4)."""

    code = "aws_conflict"
    status = HTTPStatus.CONFLICT


class AliasMovedError(AwsError):
    """The alias has another ``RevisionId`` than when it was read: 412 (aws-facts 4)."""

    code = "alias_moved"
    status = HTTPStatus.CONFLICT
