"""Find out which IAM actions are allowed, with calls that cannot change anything."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from sah.aws.clients import Clients
from sah.aws.errors import translated
from sah.aws.gateway import PermissionCheck, Stack, StackContent
from sah.aws.permissions import PERMISSIONS, Scope
from sah.domain.errors import (
    AwsAccessDeniedError,
    AwsCredentialsError,
    AwsError,
    AwsServerError,
    AwsThrottledError,
    AwsUnreachableError,
)

# No function, stack, alias or version has these names, so a write that is allowed ends
# in a 404. The RevisionId is a second lock: it fits no alias.
PROBE_NAME: Final = "sah-permission-probe"
PROBE_VERSION: Final = "999999999"
PROBE_REVISION: Final = "00000000-0000-0000-0000-000000000000"
MOST_CANDIDATES: Final = 3

Probe = Callable[[Clients, str], object]

# The second argument is the stack's or function's name, by the permission's scope.
PROBES: Final[Mapping[str, Probe]] = {
    "cloudformation:ListStacks": lambda c, _: c.cloudformation.list_stacks(),
    "cloudformation:DescribeStacks": lambda c, name: c.cloudformation.describe_stacks(
        StackName=name
    ),
    "cloudformation:ListStackResources": lambda c, name: c.cloudformation.list_stack_resources(
        StackName=name
    ),
    "lambda:ListEventSourceMappings": lambda c, _: c.reads.list_event_source_mappings(MaxItems=1),
    "lambda:ListVersionsByFunction": lambda c, name: c.reads.list_versions_by_function(
        FunctionName=name, MaxItems=1
    ),
    "lambda:ListAliases": lambda c, name: c.reads.list_aliases(FunctionName=name, MaxItems=1),
    "lambda:GetAlias": lambda c, name: c.reads.get_alias(FunctionName=name, Name=PROBE_NAME),
    "lambda:GetFunction": lambda c, name: c.reads.get_function(FunctionName=name),
    "lambda:GetPolicy": lambda c, name: c.reads.get_policy(FunctionName=name),
    "lambda:UpdateAlias": lambda c, name: c.writes.update_alias(
        FunctionName=name,
        Name=PROBE_NAME,
        FunctionVersion=PROBE_VERSION,
        RevisionId=PROBE_REVISION,
    ),
    "lambda:CreateAlias": lambda c, name: c.writes.create_alias(
        FunctionName=name, Name=PROBE_NAME, FunctionVersion=PROBE_VERSION
    ),
}


class Lister(Protocol):
    """What the prober needs of the gateway to find something to try on."""

    def list_stacks(self) -> list[Stack]:
        """List the account's stacks."""

    def get_stack_content(self, name: str) -> StackContent:
        """List a stack's functions."""


class Prober:
    """Tries each permission where it is most likely to apply.

    A policy may be limited to some stacks or functions, and AWS's refusal does not
    say so. So a refusal only counts as certain on a candidate that the policy
    evidently covers, because another action is allowed on it, or on one that the
    caller named.
    """

    def __init__(self, clients: Clients, lister: Lister) -> None:
        self._clients = clients
        self._lister = lister

    def check(self, stack: str = "") -> tuple[PermissionCheck, ...]:
        """Try all permissions, in the order of ``PERMISSIONS``."""
        stacks = [stack] if stack else self._some_stacks()
        functions = self._some_functions(stacks)
        checks = [
            *(self._try(action, "the account") for action in _actions(Scope.ANY)),
            *self._try_scoped(Scope.STACK, stacks, certain=bool(stack)),
            *self._try_scoped(Scope.FUNCTION, functions, certain=bool(stack and functions)),
        ]
        found = {check.action: check for check in checks}
        return tuple(found[permission.action] for permission in PERMISSIONS)

    def _some_stacks(self) -> list[str]:
        try:
            stacks = self._lister.list_stacks()
        except AwsAccessDeniedError:
            return []
        newest_first = sorted(stacks, key=lambda stack: stack.changed_at, reverse=True)
        return [stack.name for stack in newest_first[:MOST_CANDIDATES]]

    def _some_functions(self, stacks: Iterable[str]) -> list[str]:
        names = []
        for stack in stacks:
            try:
                functions = self._lister.get_stack_content(stack).functions
            except AwsAccessDeniedError:
                continue
            names += [function.name for function in functions[:1]]
        return names

    def _try_scoped(
        self, scope: Scope, candidates: Sequence[str], *, certain: bool
    ) -> list[PermissionCheck]:
        for name in candidates or [PROBE_NAME]:
            checks = [self._try(action, name) for action in _actions(scope)]
            if certain or any(check.allowed for check in checks):
                return checks
        return [_unsure(action, scope, candidates) for action in _actions(scope)]

    def _try(self, action: str, name: str) -> PermissionCheck:
        try:
            with translated(action.partition(":")[2], name):
                PROBES[action](self._clients, name)
        except (AwsCredentialsError, AwsUnreachableError):
            raise
        except AwsAccessDeniedError as error:
            return PermissionCheck(action, allowed=False, detail=error.message)
        except (AwsThrottledError, AwsServerError) as error:
            return PermissionCheck(action, allowed=None, detail=error.message)
        except AwsError:
            pass  # AWS looks at permissions first, so any other refusal means allowed.
        return PermissionCheck(action, allowed=True)


def _unsure(action: str, scope: Scope, candidates: Sequence[str]) -> PermissionCheck:
    detail = (
        f"It could not be told: denied on {', '.join(candidates)}, but the policy may be"
        f" limited to other {scope}s. Check a project's stack to be certain."
        if candidates
        else f"It could not be told: there is no {scope} to try it on."
    )
    return PermissionCheck(action, allowed=None, detail=detail)


def _actions(scope: Scope) -> list[str]:
    return [permission.action for permission in PERMISSIONS if permission.scope is scope]
