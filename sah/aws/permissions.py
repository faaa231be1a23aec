"""The one list of IAM actions that SAH uses, and the policy made from it."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a policy may limit an action to; ``ANY`` actions need ``*`` (aws-facts 16)."""

    ANY = "any"
    STACK = "stack"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Permission:
    """One IAM action, what SAH does with it, and what a policy may limit it to."""

    action: str
    purpose: str
    scope: Scope


PERMISSIONS = (
    Permission("cloudformation:ListStacks", "offer the stacks of the account", Scope.ANY),
    Permission("cloudformation:DescribeStacks", "notice that a stack was deployed", Scope.STACK),
    Permission("cloudformation:ListStackResources", "find a stack's functions", Scope.STACK),
    Permission("lambda:ListEventSourceMappings", "show queues and streams", Scope.ANY),
    Permission("lambda:ListVersionsByFunction", "know what can be gone back to", Scope.FUNCTION),
    Permission("lambda:ListAliases", "see what is live", Scope.FUNCTION),
    Permission("lambda:GetAlias", "resolve an answer that was lost", Scope.FUNCTION),
    Permission("lambda:GetFunction", "check a version before and after a move", Scope.FUNCTION),
    Permission("lambda:GetPolicy", "see triggers that bypass the alias", Scope.FUNCTION),
    Permission("lambda:UpdateAlias", "roll back", Scope.FUNCTION),
    Permission("lambda:CreateAlias", "give a function the alias that it lacks", Scope.FUNCTION),
)

# AWS answers this to anybody, so it belongs into no policy.
NEEDS_NO_PERMISSION = frozenset({"sts:GetCallerIdentity"})


def find_action(call: str) -> str:
    """Name the IAM action of a call, such as ``lambda:UpdateAlias``; the call where unknown."""
    actions = (p.action for p in PERMISSIONS)
    return next((action for action in actions if action.endswith(f":{call}")), call)


def policy_document(region: str = "*", account_id: str = "*") -> dict[str, object]:
    """Make the IAM policy that SAH needs, ready for ``json.dumps``.

    To limit it to some stacks, replace the last ``*`` of each resource by a prefix
    and ``*``: IAM knows no narrower scope than the function (aws-facts 16).
    """
    place = f"{region}:{account_id}"
    resources = {
        Scope.ANY: "*",
        Scope.STACK: f"arn:{_partition(region)}:cloudformation:{place}:stack/*",
        Scope.FUNCTION: f"arn:{_partition(region)}:lambda:{place}:function:*",
    }
    return {
        "Version": "2012-10-17",
        "Statement": [_statement(scope, resource) for scope, resource in resources.items()],
    }


def _partition(region: str) -> str:
    """Name the part of AWS that a Region is in, as ARNs do."""
    partitions = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((p for prefix, p in partitions.items() if region.startswith(prefix)), "aws")


def _statement(scope: Scope, resource: str) -> dict[str, object]:
    return {
        "Sid": f"Sah{scope.capitalize()}",
        "Effect": "Allow",
        "Action": [p.action for p in PERMISSIONS if p.scope is scope],
        "Resource": resource,
    }
