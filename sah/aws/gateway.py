"""The one seam to AWS: what SAH asks of it, and the frozen values that come back."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sah.domain.aliases import AliasState, Routing
from sah.domain.triggers import Trigger

# In any other status a stack is in trouble, or was brought back to what it had been.
_AT_EASE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


class AccessKind(StrEnum):
    """How SAH gets its credentials for an account."""

    DEFAULT_CHAIN = "default_chain"
    ASSUME_ROLE = "assume_role"
    ACCESS_KEY = "access_key"


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """All that is needed to reach one AWS account and Region.

    ``secret_access_key`` is kept out of ``repr`` by hand, see ``__repr__``.
    """

    kind: AccessKind
    region: str
    role_arn: str = ""
    external_id: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    endpoint_url: str = ""

    def __repr__(self) -> str:
        """Name kind and Region only, so that no log or traceback shows a secret."""
        return f"AccountAccess({self.kind}, {self.region})"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who AWS says that the credentials are."""

    account_id: str
    arn: str


@dataclass(frozen=True, slots=True)
class Stack:
    """One CloudFormation stack; times are aware UTC.

    ``updated_at`` is None until the first update (aws-facts 13).
    """

    name: str
    stack_id: str
    status: str
    created_at: datetime
    updated_at: datetime | None = None
    description: str = ""

    @property
    def changed_at(self) -> datetime:
        """When the stack last changed: its last update, else its creation."""
        return self.updated_at or self.created_at

    @property
    def in_progress(self) -> bool:
        """Say whether CloudFormation is working on the stack right now."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def was_rolled_back(self) -> bool:
        """Say whether CloudFormation takes, took or failed to take the last deploy back."""
        return "ROLLBACK" in self.status or "FAILED" in self.status

    def including(self, *nested: "Stack") -> "Stack":
        """Count the changes of nested stacks as this one's: each may be deployed alone.

        The status is that of one that is being worked on, else this one's when it is in
        trouble, else that of the one which changed last.
        """
        newest = max((self, *nested), key=lambda stack: stack.changed_at)
        at_work = next((stack for stack in (self, *nested) if stack.in_progress), None)
        told = at_work or (newest if self.status.endswith(_AT_EASE) else self)
        updated_at = self.updated_at if newest is self else newest.changed_at
        return replace(self, status=told.status, updated_at=updated_at)


@dataclass(frozen=True, slots=True)
class StackFunction:
    """One ``AWS::Lambda::Function`` of a stack or of its nested stacks.

    ``published_version`` is the one of the stack's current Version resource, empty
    when the template makes none (aws-facts 12).
    """

    name: str
    logical_id: str
    published_version: str = ""


@dataclass(frozen=True, slots=True)
class StackContent:
    """What is in a stack and in those nested in it, however deep.

    ``functions`` are in the order of their names, ``nested`` are the ids of the nested stacks.
    """

    functions: tuple[StackFunction, ...] = ()
    nested: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FunctionVersion:
    """One published version: what it froze (aws-facts 6).

    ``code_size`` is in bytes, ``memory_size`` in MB, ``timeout`` in seconds.
    ``layers`` are ARNs in their order. ``environment`` holds pairs of a variable and
    its value: values are secrets, so they are kept out of ``repr`` and never stored.
    ``state`` and ``last_update_status`` are empty where AWS did not say.
    """

    function: str
    version: str
    modified_at: datetime
    code_sha256: str
    code_size: int
    runtime: str
    memory_size: int
    timeout: int
    handler: str = ""
    description: str = ""
    state: str = ""
    state_reason: str = ""
    state_reason_code: str = ""
    last_update_status: str = ""
    layers: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class PermissionCheck:
    """Whether one IAM action is allowed; None means that AWS would not say."""

    action: str
    allowed: bool | None
    detail: str = ""


class AwsGateway(Protocol):
    """AWS as SAH needs it, for one account and Region. Safe to use from many threads.

    Every method follows all pages (aws-facts 3), keeps to the rate pools
    (aws-facts 1), and raises only ``sah.domain.errors``: besides the ones named
    below always ``AwsCredentialsError``, ``AwsAccessDeniedError``,
    ``AwsThrottledError``, ``AwsUnreachableError`` and ``AwsServerError``.
    """

    def get_identity(self) -> Identity:
        """Ask STS who the credentials are."""

    def check_permissions(self, stack: str = "") -> tuple[PermissionCheck, ...]:
        """Try which of the permissions that SAH needs are there, without changing anything.

        With a ``stack`` they are tried on it and its functions, and the answers are
        certain. Without, they are tried on what the account has, and where a policy
        may be limited to other stacks, the answer is that it could not be told.
        """

    def list_stacks(self) -> list[Stack]:
        """List every stack that is not deleted, by name (aws-facts 13)."""

    def get_stack(self, name: str) -> Stack:
        """Describe one stack, nothing of those nested in it.

        :raises AwsNotFoundError: there is no such stack, or it was deleted.
        """

    def get_stack_content(self, name: str) -> StackContent:
        """List the functions of a stack and of its nested stacks, and these.

        :raises AwsNotFoundError: there is no such stack.
        """

    def list_versions(self, function: str) -> list[FunctionVersion]:
        """List the published versions of a function, newest first; never ``$LATEST``.

        :raises AwsNotFoundError: there is no such function.
        """

    def list_aliases(self, function: str) -> list[AliasState]:
        """List the aliases of a function, by name.

        :raises AwsNotFoundError: there is no such function.
        """

    def list_policy_triggers(self, function: str, qualifier: str = "") -> list[Trigger]:
        """Read who may invoke a function by a qualifier.

        No policy is an empty list, and so are a function and a qualifier that do not
        exist: AWS answers 404 to all three (aws-facts 8).
        """

    def list_mapping_triggers(self) -> list[Trigger]:
        """List all event source mappings of the account and Region as triggers."""

    def get_alias(self, function: str, alias: str) -> AliasState:
        """Read one alias.

        :raises AwsNotFoundError: there is no such alias or function.
        """

    def get_version(self, function: str, qualifier: str) -> FunctionVersion:
        """Read what a version or an alias serves, from GetFunction's faster pool (aws-facts 1).

        :raises AwsNotFoundError: there is no such function or qualifier.
        """

    def update_alias(
        self, function: str, alias: str, routing: Routing, revision_id: str = ""
    ) -> AliasState:
        """Repoint one alias, always with explicit weights (aws-facts 5).

        The call is made once: a lost answer is for the caller to resolve by reading.

        :raises AliasMovedError: ``revision_id`` is stale (aws-facts 4).
        :raises AwsConflictError: another operation is in progress on the function.
        :raises AwsNotFoundError: the version or the alias is gone.
        """

    def create_alias(self, function: str, alias: str, version: str) -> AliasState:
        """Make an alias that sends all traffic to a version.

        :raises AwsConflictError: the alias is there already.
        :raises AwsNotFoundError: the version or the function is gone.
        """
