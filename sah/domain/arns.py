"""Take ARNs of functions and stacks apart, so that matching goes by their names."""

import re
from dataclasses import dataclass

# arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
_FUNCTION_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12})"
    r":function:(?P<name>[A-Za-z0-9_-]+)(?::(?P<qualifier>[A-Za-z0-9$_-]+))?"
)
# arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/ID
_STACK_ARN = re.compile(
    r"arn:aws[a-z-]*:cloudformation:(?P<region>[a-z0-9-]+):(?P<account>\d{12})"
    r":stack/(?P<name>[A-Za-z0-9-]+)(?:/.*)?"
)


@dataclass(frozen=True, slots=True)
class FunctionArn:
    """One Lambda function ARN; ``qualifier`` is a version, an alias, or empty."""

    partition: str
    region: str
    account: str
    name: str
    qualifier: str


def find_function_arn(text: str) -> FunctionArn | None:
    """Find the first Lambda function ARN within a text such as an integration's URI."""
    match = _FUNCTION_ARN.search(text)
    if match is None:
        return None
    parts = match.groupdict(default="")
    return FunctionArn(**parts)


@dataclass(frozen=True, slots=True)
class StackArn:
    """Where a CloudFormation stack is; without the id that tells it from one of the same name."""

    region: str
    account: str
    name: str


def parse_stack_arn(text: str) -> StackArn | None:
    """Take a stack's ARN apart; None when it is none."""
    match = _STACK_ARN.fullmatch(text)
    return None if match is None else StackArn(**match.groupdict())
