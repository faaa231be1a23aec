"""The CloudFormation service of one account and Region, in place of moto's."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlparse

from moto.cloudformation import urls
from moto.cloudformation.exceptions import (
    AlreadyExistsException,
    CloudFormationError,
    ValidationError,
)
from moto.cloudformation.models import (
    ChangeSet,
    CloudFormationBackend,
    Stack,
    cloudformation_backends,
)
from moto.cloudformation.utils import generate_changeset_id, generate_stack_id
from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends

from sah.localaws.deployment import DeploymentError
from sah.localaws.stacks import LocalChangeSet, LocalStack


@dataclass(frozen=True, slots=True)
class Wish:
    """What CreateStack, UpdateStack and CreateChangeSet ask for."""

    name: str
    template: str
    parameters: dict[str, Any]
    tags: dict[str, str] | None = None
    role_arn: str | None = None


class ChangeSetNotFoundError(CloudFormationError):
    """There is no such change set."""

    code = "ChangeSetNotFound"


class CloudFormation(CloudFormationBackend):
    """moto's backend over stacks that are deployed in AWS's order."""

    @property
    def _url_module(self) -> ModuleType:
        return urls  # moto would look for one next to this module

    def find_stack(self, name_or_id: str) -> LocalStack:
        """Look up a stack by name, or by id even after it was deleted.

        :raises ValidationError: there is none.
        """
        stack = self.get_stack(name_or_id)
        assert isinstance(stack, LocalStack)  # noqa: S101 -- for the types
        return stack

    def _make_stack(self, wish: Wish, template: Any) -> LocalStack:  # noqa: ANN401 -- {} or text
        # moto leaves methods of its models abstract that nobody calls.
        return LocalStack(  # type: ignore[abstract]
            stack_id=generate_stack_id(wish.name, self.region_name, self.account_id),
            name=wish.name,
            template=template,
            parameters=wish.parameters,
            account_id=self.account_id,
            region_name=self.region_name,
            tags=wish.tags,
            role_arn=wish.role_arn,
            cross_stack_resources=self.exports,
        )

    def read_url(self, url: str) -> str:
        """Read a template from S3, by AWS's addresses or by this server's.

        :raises ValidationError: it is not there.
        """
        where = urlparse(url)
        path = unquote(where.path.lstrip("/"))
        if where.netloc.endswith("amazonaws.com") and not where.netloc.startswith("s3"):
            path = f"{where.netloc.split('.s3')[0]}/{path}"
        bucket, _, key = path.partition("/")
        try:
            found = s3_backends[self.account_id][self.partition].get_object(bucket, key)
        except S3ClientError as error:
            raise ValidationError(message=f"S3 error: {error.message}") from error
        if found is None:
            raise ValidationError(message="S3 error: The specified key does not exist.")
        return str(found.value.decode())

    def launch(self, wish: Wish, parent_id: str | None = None) -> LocalStack:
        """Create a stack and its resources.

        :raises AlreadyExistsException: the name is taken.
        """
        if any(stack.name == wish.name for stack in self.stacks.values()):
            raise AlreadyExistsException(f"Stack [{wish.name}] already exists")
        stack = self._make_stack(wish, wish.template)
        stack.parent_id = parent_id
        stack.root_id = self.find_stack(parent_id).top_id if parent_id else None
        self.stacks[stack.stack_id] = stack
        stack.deploy_first()
        self._note_exports()
        return stack

    def revise(self, wish: Wish) -> LocalStack:
        """Update a stack.

        :raises ValidationError: there is nothing to do, or its status forbids it.
        """
        stack = self.find_stack(wish.name)
        if not stack.is_updatable:
            raise ValidationError(
                message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            )
        if self._is_idle(stack, wish):
            raise ValidationError(message="No updates are to be performed.")
        stack.update(wish.template, wish.role_arn, wish.parameters, wish.tags)
        self._note_exports()
        return stack

    def _is_idle(self, stack: LocalStack, wish: Wish) -> bool:
        same_tags = wish.tags is None or wish.tags == stack.tags
        return same_tags and stack.is_unchanged(wish.template, wish.parameters)

    def _note_exports(self) -> None:
        """Collect what the stacks export now."""
        self.exports.clear()
        for stack in self.stacks.values():
            self.exports.update({export.name: export for export in stack.exports})

    def delete_stack(self, name_or_stack_id: str) -> None:
        """Delete a stack; AWS does not mind when there is none."""
        for stack in list(self.stacks.values()):
            if name_or_stack_id not in {stack.name, stack.stack_id}:
                continue
            try:
                stack.delete()
            except DeploymentError:
                return
            self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)
            self._forget_change_sets(stack)
        self._note_exports()

    def _forget_change_sets(self, stack: Stack) -> None:
        """Drop the change sets of a deleted stack, whose names a new one of its name may use."""
        for id_, change_set in list(self.change_sets.items()):
            if change_set.stack is stack:
                del self.change_sets[id_]

    def propose(self, wish: Wish, name: str, kind: str, description: str) -> ChangeSet:
        """Make a change set, of an existing stack or of one to be."""
        update = kind == "UPDATE"
        stack = self.find_stack(wish.name) if update else self._review(wish)
        change_set = LocalChangeSet(
            change_set_type=kind,
            change_set_id=generate_changeset_id(name, self.region_name, self.account_id),
            change_set_name=name,
            stack=stack,
            template=wish.template,
            parameters=wish.parameters,
            description=description,
            tags=wish.tags,
            role_arn=wish.role_arn,
        )
        change_set.set_idle(update and self._is_idle(stack, wish))
        self.change_sets[change_set.change_set_id] = change_set
        return change_set

    def _review(self, wish: Wish) -> LocalStack:
        """Find or make the empty stack of a change set that is to create it."""
        for known in self.stacks.values():
            if known.name == wish.name and known.status == "REVIEW_IN_PROGRESS":
                return self.find_stack(wish.name)
            if known.name == wish.name:
                raise ValidationError(
                    message=f"Stack [{wish.name}] already exists and cannot be created again."
                )
        stack = self._make_stack(wish, {})
        self.stacks[stack.stack_id] = stack
        stack.tell("REVIEW_IN_PROGRESS", "User Initiated")
        return stack

    def find_change_set(self, name: str, stack_name: str | None) -> ChangeSet:
        """Look up a change set by its ARN, or by its name and its stack's.

        :raises ChangeSetNotFoundError: there is none.
        """
        if name in self.change_sets:
            return self.change_sets[name]
        for each in self.change_sets.values():
            stack_names = {None, each.stack_name, each.stack_id}
            if each.change_set_name == name and stack_name in stack_names:
                return each
        raise ChangeSetNotFoundError(f"ChangeSet [{name}] does not exist")

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        """Carry a change set out.

        :raises ValidationError: there is none, or it has nothing to do.
        """
        change_set = self.find_change_set(change_set_name, stack_name)
        if change_set.execution_status != "AVAILABLE":
            raise ValidationError(
                message=f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current "
                f"execution status of [{change_set.execution_status}]"
            )
        change_set.execution_status = "EXECUTE_COMPLETE"
        change_set.apply()
        self._note_exports()


def find_cloudformation(account: str, region: str) -> CloudFormation:
    """Look up the service of one account and Region."""
    backend = cloudformation_backends[account][region]
    assert isinstance(backend, CloudFormation), "install() comes first"  # noqa: S101 -- for the types
    return backend
