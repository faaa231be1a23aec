"""The gateway to the real AWS: each method is one AWS call or one paginated list."""

import json
from typing import TYPE_CHECKING, Final

from sah.aws.clients import Clients
from sah.aws.errors import translated
from sah.aws.gateway import FunctionVersion, Identity, PermissionCheck, Stack, StackContent
from sah.aws.parsing import (
    DELETED,
    NESTED_STACK,
    existing_resources,
    to_alias,
    to_mapping_trigger,
    to_stack,
    to_stack_functions,
    to_version,
)
from sah.aws.probes import Prober
from sah.domain.aliases import LATEST, AliasState, Routing
from sah.domain.errors import AwsNotFoundError
from sah.domain.triggers import Trigger, parse_policy

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.literals import StackStatusType
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef
    from mypy_boto3_lambda.type_defs import UpdateAliasRequestTypeDef

# Every status but DELETE_COMPLETE: an alias rollback is most wanted where
# CloudFormation failed (aws-facts 13).
STACK_STATUSES: Final[tuple["StackStatusType", ...]] = (
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "CREATE_COMPLETE",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
)


class BotoGateway:
    """``AwsGateway`` on boto3, for one account and Region."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def get_identity(self) -> Identity:
        """Ask STS who the credentials are."""
        with translated("GetCallerIdentity", "the credentials"):
            answer = self._clients.sts.get_caller_identity()
            return Identity(answer["Account"], answer["Arn"])

    def check_permissions(self, stack: str = "") -> tuple[PermissionCheck, ...]:
        """Try which of the permissions that SAH needs are there, without changing anything.

        With a ``stack`` they are tried on it and its functions, and the answers are
        certain. Without, they are tried on what the account has, and where a policy
        may be limited to other stacks, the answer is that it could not be told.
        """
        return Prober(self._clients, self).check(stack)

    def list_stacks(self) -> list[Stack]:
        """List the root stacks that are not deleted, by name (aws-facts 13)."""
        with translated("ListStacks", "the account"):
            pages = self._clients.cloudformation.get_paginator("list_stacks").paginate(
                StackStatusFilter=list(STACK_STATUSES)
            )
            items = [item for page in pages for item in page["StackSummaries"]]
            stacks = [to_stack(item) for item in items if not item.get("ParentId")]
        return sorted(stacks, key=lambda stack: stack.name)

    def get_stack(self, name: str) -> Stack:
        """Describe one stack, nothing of those nested in it.

        :raises AwsNotFoundError: there is no such stack, or it was deleted.
        """
        with translated("DescribeStacks", f"stack {name}"):
            pages = self._clients.cloudformation.get_paginator("describe_stacks").paginate(
                StackName=name
            )
            stacks = [to_stack(item) for page in pages for item in page["Stacks"]]
        # By its id, AWS shows a deleted stack for 90 more days.
        living = [stack for stack in stacks if stack.status != DELETED]
        if not living:
            raise AwsNotFoundError(
                f"The stack {name} was deleted.", call="DescribeStacks", subject=f"stack {name}"
            )
        return living[0]

    def get_stack_content(self, name: str) -> StackContent:
        """List the functions of a stack and of its nested stacks, and these.

        :raises AwsNotFoundError: there is no such stack.
        """
        resources = self._list_resources(name)
        nested: set[str] = set()
        todo = _nested_stacks(resources)
        while todo:
            stack = todo.pop()
            if stack not in nested:
                nested.add(stack)
                found = self._list_nested_resources(stack)
                resources += found
                todo += _nested_stacks(found)
        return StackContent(tuple(to_stack_functions(resources)), frozenset(nested))

    def list_versions(self, function: str) -> list[FunctionVersion]:
        """List the published versions of a function, newest first; never ``$LATEST``.

        :raises AwsNotFoundError: there is no such function.
        """
        with translated("ListVersionsByFunction", f"function {function}"):
            pages = self._clients.reads.get_paginator("list_versions_by_function").paginate(
                FunctionName=function
            )
            items = [item for page in pages for item in page["Versions"]]
            versions = [to_version(function, item) for item in items if item["Version"] != LATEST]
            return sorted(versions, key=lambda version: int(version.version), reverse=True)

    def list_aliases(self, function: str) -> list[AliasState]:
        """List the aliases of a function, by name.

        :raises AwsNotFoundError: there is no such function.
        """
        with translated("ListAliases", f"function {function}"):
            pages = self._clients.reads.get_paginator("list_aliases").paginate(
                FunctionName=function
            )
            aliases = [to_alias(function, item) for page in pages for item in page["Aliases"]]
        return sorted(aliases, key=lambda alias: alias.name)

    def list_policy_triggers(self, function: str, qualifier: str = "") -> list[Trigger]:
        """Read who may invoke a function by a qualifier.

        No policy is an empty list, and so are a function and a qualifier that do not
        exist: AWS answers 404 to all three (aws-facts 8).
        """
        try:
            with translated("GetPolicy", f"function {function}"):
                reads = self._clients.reads
                answer = (
                    reads.get_policy(FunctionName=function, Qualifier=qualifier)
                    if qualifier
                    else reads.get_policy(FunctionName=function)
                )
                statements = json.loads(answer["Policy"]).get("Statement", [])
        except AwsNotFoundError:
            return []
        return list(parse_policy(function, qualifier, statements))

    def list_mapping_triggers(self) -> list[Trigger]:
        """List all event source mappings of the account and Region as triggers."""
        with translated("ListEventSourceMappings", "the account"):
            paginator = self._clients.reads.get_paginator("list_event_source_mappings")
            items = [item for page in paginator.paginate() for item in page["EventSourceMappings"]]
            triggers = [to_mapping_trigger(item) for item in items]
        return [trigger for trigger in triggers if trigger is not None]

    def get_alias(self, function: str, alias: str) -> AliasState:
        """Read one alias.

        :raises AwsNotFoundError: there is no such alias or function.
        """
        with translated("GetAlias", f"alias {alias} of {function}"):
            answer = self._clients.reads.get_alias(FunctionName=function, Name=alias)
            return to_alias(function, answer)

    def get_version(self, function: str, qualifier: str) -> FunctionVersion:
        """Read what a version or an alias serves, from GetFunction's faster pool (aws-facts 1).

        :raises AwsNotFoundError: there is no such function or qualifier.
        """
        with translated("GetFunction", f"function {function}:{qualifier}"):
            answer = self._clients.reads.get_function(FunctionName=function, Qualifier=qualifier)
            return to_version(function, answer["Configuration"])

    def update_alias(
        self, function: str, alias: str, routing: Routing, revision_id: str = ""
    ) -> AliasState:
        """Repoint one alias, always with explicit weights (aws-facts 5).

        The call is made once: a lost answer is for the caller to resolve by reading.

        :raises AliasMovedError: ``revision_id`` is stale (aws-facts 4).
        :raises AwsConflictError: another operation is in progress on the function.
        :raises AwsNotFoundError: the version or the alias is gone.
        """
        request: UpdateAliasRequestTypeDef = {
            "FunctionName": function,
            "Name": alias,
            "FunctionVersion": routing.version,
            "RoutingConfig": {"AdditionalVersionWeights": dict(routing.weights)},
        }
        if revision_id:
            request["RevisionId"] = revision_id
        with translated("UpdateAlias", f"alias {alias} of {function}"):
            answer = self._clients.writes.update_alias(**request)
            return to_alias(function, answer)

    def create_alias(self, function: str, alias: str, version: str) -> AliasState:
        """Make an alias that sends all traffic to a version.

        :raises AwsConflictError: the alias is there already.
        :raises AwsNotFoundError: the version or the function is gone.
        """
        with translated("CreateAlias", f"alias {alias} of {function}"):
            answer = self._clients.writes.create_alias(
                FunctionName=function, Name=alias, FunctionVersion=version
            )
            return to_alias(function, answer)

    def _list_resources(self, stack: str) -> list["StackResourceSummaryTypeDef"]:
        with translated("ListStackResources", f"stack {stack}"):
            pages = self._clients.cloudformation.get_paginator("list_stack_resources").paginate(
                StackName=stack
            )
            return existing_resources(
                item for page in pages for item in page["StackResourceSummaries"]
            )

    def _list_nested_resources(self, stack: str) -> list["StackResourceSummaryTypeDef"]:
        """Read a nested stack; one deleted by hand must not hide the rest of its parent."""
        try:
            return self._list_resources(stack)
        except AwsNotFoundError:
            return []


def _nested_stacks(resources: list["StackResourceSummaryTypeDef"]) -> list[str]:
    return [r["PhysicalResourceId"] for r in resources if r["ResourceType"] == NESTED_STACK]
