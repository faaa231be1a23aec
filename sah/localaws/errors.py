"""AWS Lambda's errors; the service model gives each code its HTTP status."""

from moto.core.exceptions import ServiceException


class LambdaError(ServiceException):
    """One error of the Lambda API: ``LambdaError("ResourceConflictException", "…")``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


def not_found(arn: str) -> LambdaError:
    """Say that a function or a version is not there (404)."""
    return LambdaError("ResourceNotFoundException", f"Function not found: {arn}")


def invalid(message: str) -> LambdaError:
    """Say that a parameter makes no sense (400)."""
    return LambdaError("InvalidParameterValueException", message)


def check_revision(given: str | None, current: str) -> None:
    """Refuse a stale RevisionId; none at all passes.

    :raises LambdaError: PreconditionFailedException (412).
    """
    if given and given != current:
        raise LambdaError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id",
        )
