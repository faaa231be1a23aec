"""The many ways to name a Lambda function, taken apart in one place."""

import re
from dataclasses import dataclass

from moto.awslambda.utils import make_function_arn

from sah.localaws.errors import LambdaError

LATEST = "$LATEST"
NAME = re.compile(
    r"(arn:[a-z-]+:lambda:)?([a-z]{2}(-[a-z]+)+-\d:)?(\d{12}:)?(function:)?"
    r"(?P<name>[\w.-]+)(:(?P<qualifier>\$LATEST|[\w-]+))?"
)


@dataclass(frozen=True, slots=True)
class Named:
    """A function's bare name, and the version or alias that was named with it."""

    function: str
    qualifier: str | None = None


def parse_name(text: str, qualifier: str | None = None) -> Named:
    """Take apart a name, ``name:qualifier``, a partial ARN or a full one.

    :raises LambdaError: it is none of these, or names two different qualifiers.
    """
    found = NAME.fullmatch(text)
    if not found:
        raise LambdaError(
            "ValidationException",
            f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern",
        )
    derived = found["qualifier"]
    if derived and qualifier and derived != qualifier:
        raise LambdaError(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return Named(found["name"], derived or qualifier)


def make_arn(account: str, region: str, named: Named) -> str:
    """Write the function's ARN, with the qualifier if there is one."""
    arn = make_function_arn(region, account, named.function)
    return f"{arn}:{named.qualifier}" if named.qualifier else arn
