"""An AWS in memory for tests of services and pages.

``tests/aws/test_contract.py`` runs one suite on this and on the real gateway, so
that the fake cannot lie.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from sah.aws.gateway import (
    AccountAccess,
    FunctionVersion,
    Identity,
    PermissionCheck,
    Stack,
    StackContent,
)
from sah.aws.permissions import PERMISSIONS, find_action
from sah.domain.aliases import AliasState, Routing
from sah.domain.errors import AliasMovedError, AwsAccessDeniedError, AwsConflictError
from sah.domain.triggers import Trigger, parse_policy
from tests.fake_world import ACCOUNT_ID, REGION, FakeFunction, FakeWorld

__all__ = ["ACCOUNT_ID", "REGION", "Call", "FakeAws", "FakeConnections"]


class Call(NamedTuple):
    """One call as AWS names it; ``subject`` is the stack, the function, or empty."""

    name: str
    subject: str


@dataclass
class Fault:
    call: str
    error: Exception
    on_nth: int
    times: int
    after_effect: bool
    subject: str

    def strikes(self, call: Call) -> bool:
        """Count a matching call, and say whether this is one that fails."""
        if call.name != self.call or self.subject not in ("", call.subject):
            return False
        self.on_nth -= 1
        return -self.times < self.on_nth <= 0


class FakeAws(FakeWorld):
    """One account and Region: an ``AwsGateway`` over a world that tests build and change.

    ``calls`` holds every call; ``hook`` is called at the start of each, outside of
    the lock, and may raise, wait, or change the world. ``lists_states`` says whether a
    list of versions tells their states: AWS need not, only GetFunction does.
    """

    def __init__(self, *, account_id: str = ACCOUNT_ID, region: str = REGION) -> None:
        super().__init__(account_id=account_id, region=region)
        self.calls: list[Call] = []
        self.hook: Callable[[Call], object] | None = None
        self.lists_states = True
        self._faults: list[Fault] = []
        self._denied: set[str] = set()

    def deny(self, *actions: str) -> None:
        """Take permissions away, such as ``lambda:ListAliases``."""
        self._denied |= set(actions)

    def fail(
        self,
        call: str,
        error: Exception,
        *,
        on_nth: int = 1,
        times: int = 1,
        after_effect: bool = False,
        subject: str = "",
    ) -> None:
        """Let a call fail ``times`` times from the ``on_nth`` on, counted from now.

        With ``after_effect`` it does its work and only the answer is lost. ``subject``
        limits it to one function or stack.
        """
        self._faults.append(Fault(call, error, on_nth, times, after_effect, subject))

    def count(self, call: str, subject: str = "") -> int:
        """Count the calls so far, of one function or stack or of all."""
        return sum(1 for c in list(self.calls) if c.name == call and subject in ("", c.subject))

    def get_identity(self) -> Identity:
        with self._call("GetCallerIdentity"):
            return Identity(self.account_id, f"arn:aws:iam::{self.account_id}:user/sah")

    def check_permissions(self, stack: str = "") -> tuple[PermissionCheck, ...]:
        if stack:
            self.get_stack(stack)
        actions = (permission.action for permission in PERMISSIONS)
        return tuple(PermissionCheck(a, allowed=a not in self._denied) for a in actions)

    def list_stacks(self) -> list[Stack]:
        with self._call("ListStacks"):
            roots = [held.stack for held in self._stacks.values() if not held.parent]
            return sorted(roots, key=lambda stack: stack.name)

    def get_stack(self, name: str) -> Stack:
        with self._call("DescribeStacks", name):
            return self._find_stack(name).stack

    def get_stack_content(self, name: str) -> StackContent:
        with self._call("ListStackResources", name):
            root, *nested = self._walk(self._find_stack(name))
            functions = [f for held in (root, *nested) for f in self._functions_of(held)]
            return StackContent(
                tuple(sorted(functions, key=lambda f: f.name)),
                frozenset(held.stack.stack_id for held in nested),
            )

    def list_versions(self, function: str) -> list[FunctionVersion]:
        with self._call("ListVersionsByFunction", function):
            versions = list(self._find_function(function).versions.values())
            if not self.lists_states:
                versions = [replace(v, state="", last_update_status="") for v in versions]
            return sorted(versions, key=lambda v: int(v.version), reverse=True)

    def list_aliases(self, function: str) -> list[AliasState]:
        with self._call("ListAliases", function):
            aliases = self._find_function(function).aliases
            return [aliases[name] for name in sorted(aliases)]

    def list_policy_triggers(self, function: str, qualifier: str = "") -> list[Trigger]:
        with self._call("GetPolicy", function):
            held = self._functions.get(function, FakeFunction(function))
            return list(parse_policy(function, qualifier, held.statements.get(qualifier, [])))

    def list_mapping_triggers(self) -> list[Trigger]:
        with self._call("ListEventSourceMappings"):
            return list(self._mappings)

    def get_alias(self, function: str, alias: str) -> AliasState:
        with self._call("GetAlias", function):
            return self._find_alias(function, alias)

    def get_version(self, function: str, qualifier: str) -> FunctionVersion:
        with self._call("GetFunction", function):
            held = self._find_function(function)
            return held.versions[self._resolve(held, qualifier)]

    def update_alias(
        self, function: str, alias: str, routing: Routing, revision_id: str = ""
    ) -> AliasState:
        with self._call("UpdateAlias", function):
            state = self._find_alias(function, alias)
            if revision_id not in ("", state.revision_id):
                raise AliasMovedError(f"The alias {alias} of {function} was moved.")
            self._check_routing(function, routing)
            kept = tuple((version, weight) for version, weight in routing.weights if weight)
            return self.set_alias(function, alias, routing.version, *kept)

    def create_alias(self, function: str, alias: str, version: str) -> AliasState:
        with self._call("CreateAlias", function):
            if alias in self._find_function(function).aliases:
                raise AwsConflictError(f"The alias {alias} of {function} is there already.")
            self._check_routing(function, Routing(version))
            return self.set_alias(function, alias, version)

    @contextmanager
    def _call(self, name: str, subject: str = "") -> Iterator[None]:
        call = Call(name, subject)
        if self.hook:
            self.hook(call)
        with self._lock:
            self.calls.append(call)
            action = find_action(name)
            if action in self._denied:
                raise AwsAccessDeniedError(f"The permission {action} is missing for {subject}.")
            fault = next((fault for fault in self._faults if fault.strikes(call)), None)
            if fault and not fault.after_effect:
                raise fault.error
            yield
            if fault:
                raise fault.error


class FakeConnections:
    """``Connections`` that opens ``aws``, or the fake of the Region where ``regions`` has one."""

    def __init__(self, aws: FakeAws | None = None) -> None:
        self.aws = aws or FakeAws()
        self.regions: dict[str, FakeAws] = {}
        self.opened: list[tuple[AccountAccess, bool]] = []

    def open(self, access: AccountAccess, *, urgent: bool = False) -> FakeAws:
        self.opened.append((access, urgent))
        return self.regions.get(access.region, self.aws)
