"""The world of the fake AWS: its stacks and functions, and what a test does to them."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sah.aws.gateway import FunctionVersion, Stack, StackFunction
from sah.domain.aliases import DEFAULT_ALIAS, AliasState, Routing
from sah.domain.errors import AwsConflictError, AwsError, AwsNotFoundError
from sah.domain.triggers import Trigger, TriggerOrigin, trigger_kind

ACCOUNT_ID = "123456789012"
REGION = "eu-west-1"


@dataclass
class FakeFunction:
    name: str
    versions: dict[str, FunctionVersion] = field(default_factory=dict)
    aliases: dict[str, AliasState] = field(default_factory=dict)
    statements: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    published: int = 0
    environment: tuple[tuple[str, str], ...] = ()
    layers: tuple[str, ...] = ()


@dataclass
class FakeStack:
    stack: Stack
    alias: str
    parent: str
    functions: dict[str, str] = field(default_factory=dict)


class FakeWorld:
    """The stacks and functions of one account and Region, with builders for tests.

    Builders act as a deploy or another person would: they are no calls of SAH. ``now`` is
    AWS's clock; each change takes a minute of it.
    """

    def __init__(self, *, account_id: str = ACCOUNT_ID, region: str = REGION) -> None:
        self.account_id = account_id
        self.region = region
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
        self._lock = threading.RLock()
        self._stacks: dict[str, FakeStack] = {}
        self._functions: dict[str, FakeFunction] = {}
        self._mappings: list[Trigger] = []
        self._revision = 0
        self._published: dict[str, int] = {}

    def add_stack(
        self,
        name: str,
        functions: Mapping[str, int] | None = None,
        *,
        alias: str = DEFAULT_ALIAS,
        parent: str = "",
    ) -> None:
        """Deploy a stack: each function with so many versions, its alias at the newest.

        A function with 0 versions has neither Version nor alias, as with
        ``versionFunction: false``. A stack with a ``parent`` is nested in it.
        """
        with self._lock:
            stack = Stack(name, self._stack_arn(name), "CREATE_COMPLETE", self._tick())
            self._stacks[name] = FakeStack(stack, alias, parent)
            for function, versions in (functions or {}).items():
                self.add_to_stack(name, function, versions)

    def add_to_stack(self, stack: str, function: str, versions: int = 1) -> None:
        """Let a stack have a function more; ``set_stack_status`` makes a deploy of it."""
        with self._lock:
            held = self._stacks[stack]
            self.add_function(function, versions, alias=held.alias)
            held.functions[function] = str(self._functions[function].published or "")

    def configure(
        self, function: str, *, environment: Mapping[str, str], layers: Sequence[str] = ()
    ) -> None:
        """Change what the next versions of a function will have."""
        with self._lock:
            held = self._functions[function]
            held.environment = tuple(sorted(environment.items()))
            held.layers = tuple(layers)

    def publish_layer(self, name: str) -> str:
        """Publish the first version of a layer; give its ARN."""
        return f"arn:aws:lambda:{self.region}:{self.account_id}:layer:{name}:1"

    def add_function(self, name: str, versions: int = 1, *, alias: str = DEFAULT_ALIAS) -> None:
        """Make a function with versions 1 to ``versions`` and its alias at the newest."""
        with self._lock:
            self._functions[name] = FakeFunction(name, published=self._published.get(name, 0))
            for _ in range(versions):
                newest = self.publish(name)
            if versions and alias:
                self.set_alias(name, alias, newest)

    def deploy(
        self, stack: str, changed: Collection[str] | None = None, *, activate: bool = True
    ) -> None:
        """Deploy again: only ``changed`` functions (default: all) move forward (aws-facts 11).

        Without ``activate`` the aliases stay: the plugin's ``makeLambdasActive: false``.
        """
        with self._lock:
            held = self._stacks[stack]
            started_at = self._tick()
            for function in held.functions if changed is None else changed:
                version = held.functions[function] = self.publish(function)
                if activate:
                    self.set_alias(function, held.alias, version)
            self.set_stack_status(stack, "UPDATE_COMPLETE", at=started_at)

    def begin_deploy(self, stack: str, function: str) -> str:
        """Let CloudFormation publish a function and be still at work; give the version."""
        with self._lock:
            self.set_stack_status(stack, "UPDATE_IN_PROGRESS")
            version = self._stacks[stack].functions[function] = self.publish(function)
            return version

    def fail_deploy(self, stack: str, function: str) -> None:
        """Let CloudFormation roll an update back that had published a function already.

        The framework's Version resources have ``DeletionPolicy: Retain``, so the version stays.
        """
        with self._lock:
            started_at = self._tick()
            self.publish(function)
            self.set_stack_status(stack, "UPDATE_ROLLBACK_COMPLETE", at=started_at)

    def set_stack_status(self, stack: str, status: str, *, at: datetime | None = None) -> None:
        """Change a stack's status and the time when its last update began, now or ``at``."""
        with self._lock:
            held = self._stacks[stack]
            held.stack = replace(held.stack, status=status, updated_at=at or self._tick())

    def publish(self, function: str) -> str:
        """Publish a version of changed code; say its number, which is never used twice."""
        with self._lock:
            held = self._functions[function]
            held.published += 1
            self._published[function] = held.published
            version = str(held.published)
            held.versions[version] = FunctionVersion(
                function=function,
                version=version,
                modified_at=self._tick(),
                code_sha256=sha256(f"{function}:{version}".encode()).hexdigest(),
                code_size=1000 + held.published,
                runtime="nodejs22.x",
                memory_size=128,
                timeout=6,
                handler="index.handler",
                state="Active",
                last_update_status="Successful",
                layers=held.layers,
                environment=held.environment,
            )
            return version

    def change_version(self, function: str, version: str, **changes: str) -> None:
        """Set facts of a version, such as ``state="Inactive"``."""
        with self._lock:
            versions = self._functions[function].versions
            versions[version] = replace(versions[version], **changes)  # type: ignore[arg-type]

    def set_alias(
        self, function: str, alias: str, version: str, *weights: tuple[str, float]
    ) -> AliasState:
        """Move or make an alias as somebody else would: no call, no fault, a new revision."""
        with self._lock:
            self._revision += 1
            state = AliasState(function, alias, Routing(version, weights), f"rev-{self._revision}")
            self._functions[function].aliases[alias] = state
            return state

    def delete_alias(self, function: str, alias: str) -> None:
        """Delete an alias."""
        with self._lock:
            del self._functions[function].aliases[alias]

    def delete_version(self, function: str, version: str) -> None:
        """Delete a version, which AWS refuses while an alias uses it (aws-facts 7).

        :raises AwsConflictError: an alias uses it.
        """
        with self._lock:
            held = self._functions[function]
            if any(version in alias.routing.shares for alias in held.aliases.values()):
                raise AwsConflictError(f"An alias uses version {version} of {function}.")
            del held.versions[version]

    def delete_function(self, function: str) -> None:
        """Delete a function with its versions and aliases; its stacks know nothing of it."""
        with self._lock:
            del self._functions[function]

    def remove_function(self, stack: str, function: str) -> None:
        """Deploy a stack without one of its functions."""
        with self._lock:
            del self._stacks[stack].functions[function]
            self.delete_function(function)
            self.set_stack_status(stack, "UPDATE_COMPLETE")

    def delete_stack(self, stack: str) -> None:
        """Delete a stack with its functions."""
        with self._lock:
            for function in self._stacks.pop(stack).functions:
                self._functions.pop(function, None)

    def add_policy(
        self,
        function: str,
        qualifier: str = "",
        *,
        principal: str = "sns.amazonaws.com",
        source: str = "",
    ) -> None:
        """Allow ``principal`` to invoke a function, or one of its qualifiers."""
        arn = f"arn:aws:lambda:{self.region}:{self.account_id}:function:{function}"
        statement: dict[str, object] = {
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": "lambda:InvokeFunction",
            "Resource": f"{arn}:{qualifier}" if qualifier else arn,
        }
        if source:
            statement["Condition"] = {"ArnLike": {"AWS:SourceArn": source}}
        with self._lock:
            self._functions[function].statements.setdefault(qualifier, []).append(statement)

    def add_mapping(
        self, function: str, qualifier: str, source: str, *, enabled: bool = True
    ) -> None:
        """Let a queue or stream, by its ARN, start a function."""
        kind = trigger_kind(source.split(":")[2])
        with self._lock:
            self._mappings.append(
                Trigger(function, kind, source, qualifier, TriggerOrigin.MAPPING, enabled=enabled)
            )

    def _tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def _stack_arn(self, name: str) -> str:
        unique = sha256(f"{name}{self._revision}".encode()).hexdigest()[:12]
        return f"arn:aws:cloudformation:{self.region}:{self.account_id}:stack/{name}/{unique}"

    def _find_stack(self, name: str) -> FakeStack:
        for held in self._stacks.values():
            if name in (held.stack.name, held.stack.stack_id):
                return held
        raise AwsNotFoundError(f"There is no stack {name}.", subject=f"stack {name}")

    def _functions_of(self, held: FakeStack) -> Iterator[StackFunction]:
        for name, version in held.functions.items():
            logical_id = "".join(part.capitalize() for part in name.split("-")) + "LambdaFunction"
            yield StackFunction(name, logical_id, version)

    def _walk(self, held: FakeStack) -> Iterator[FakeStack]:
        yield held
        for nested in self._stacks.values():
            if nested.parent == held.stack.name:
                yield from self._walk(nested)

    def _find_function(self, name: str) -> FakeFunction:
        if name not in self._functions:
            raise AwsNotFoundError(f"There is no function {name}.", subject=f"function {name}")
        return self._functions[name]

    def _find_alias(self, function: str, alias: str) -> AliasState:
        aliases = self._find_function(function).aliases
        if alias not in aliases:
            raise AwsNotFoundError(f"There is no alias {alias} of {function}.")
        return aliases[alias]

    def _resolve(self, held: FakeFunction, qualifier: str) -> str:
        alias = held.aliases.get(qualifier)
        version = alias.routing.version if alias else qualifier
        if version not in held.versions:
            raise AwsNotFoundError(f"There is no {held.name}:{qualifier}.")
        return version

    def _check_routing(self, function: str, routing: Routing) -> None:
        """Hold a routing to AWS's rules (aws-facts 5), but for roles and dead-letter queues."""
        others = dict(routing.weights)
        too_many = len(others) > 1 or routing.version in others
        if too_many or not all(0 <= weight <= 1 for weight in others.values()):
            raise AwsError(f"AWS refused the weights {others} for {function}.")
        for version in (routing.version, *others):
            if version not in self._find_function(function).versions:
                raise AwsNotFoundError(f"There is no version {version} of {function}.")
