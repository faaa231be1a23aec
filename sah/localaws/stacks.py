"""Stacks and change sets as CloudFormation runs them, failures and rollbacks included."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.cloudformation.models import ChangeSet, Event, Stack
from moto.cloudformation.parsing import Export
from moto.core.utils import utcnow

from sah.localaws.deployment import DeploymentError, StackResources
from sah.localaws.resources import Resource
from sah.localaws.template import Template, check_references, is_same, order, parse_template

NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a stack that is deployed."""

    key: str
    value: str
    description: str | None
    export: str | None

    def show(self) -> dict[str, str | None]:
        """Show it as DescribeStacks does."""
        return {
            "OutputKey": self.key,
            "OutputValue": self.value,
            "Description": self.description,
            "ExportName": self.export,
        }


class LocalStack(Stack):
    """moto's stack, deployed in AWS's order and with AWS's statuses."""

    resource_map: StackResources
    last_updated_time: datetime | None = None
    deletion_time: datetime | None = None
    stack_status_reason: str | None = None
    parent_id: str | None = None
    root_id: str | None = None

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 -- moto's own
        self.results: list[Output] = []
        super().__init__(**kwargs)

    def _parse_template(self) -> None:
        self.template_dict = check_template(str(self.template))

    def _create_resource_map(self) -> StackResources:
        resources = StackResources(
            self.stack_id,
            self.name,
            self.parameters,
            self.tags,
            account_id=self.account_id,
            region_name=self.region_name,
            template=self.template_dict,
            cross_stack_resources=self.cross_stack_resources,
        )
        resources.report = self._report
        resources.load()
        return resources

    @property
    def stack_resources(self) -> list[Resource]:  # type: ignore[override]
        """What the stack holds, in the order of its creation."""
        return list(self.resource_map.provisioned.values())

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        """The outputs, with the names they are exported under."""
        return [output.show() for output in self.results] or None

    @property
    def exports(self) -> list[Export]:
        """What other stacks may import."""
        named = (output for output in self.results if output.export)
        return [Export(self.stack_id, str(output.export), output.value) for output in named]

    def is_unchanged(self, template: str, parameters: dict[str, Any]) -> bool:
        """Tell whether an update would have nothing to do."""
        known = self.resource_map.input_parameters
        return is_same(self.template_dict, check_template(template)) and known == parameters

    @property
    def stack_name(self) -> str:
        """The name, where moto looks for it when it lists stacks."""
        return self.name

    @property
    def stack_status(self) -> str:
        """The status, likewise."""
        return self.status

    @property
    def top_id(self) -> str:
        """The outermost stack around this one."""
        return self.root_id or self.stack_id

    @property
    def is_updatable(self) -> bool:
        """Tell whether UpdateStack is allowed in this status."""
        done = self.status.endswith("_COMPLETE")
        return done and self.status not in {"ROLLBACK_COMPLETE", "DELETE_COMPLETE"}

    def begin(self, template: str, parameters: dict[str, Any]) -> None:
        """Deploy a stack that so far was only reviewed."""
        self.template, self.parameters = template, parameters
        self._parse_template()
        self.resource_map = self._create_resource_map()
        self.deploy_first()

    def deploy_first(self) -> None:
        """Create the stack's resources; a failure rolls back and is told by the status."""
        self.tell("CREATE_IN_PROGRESS", "User Initiated")
        try:
            self.resource_map.create(self.template_dict)
        except DeploymentError as error:
            self.tell("ROLLBACK_IN_PROGRESS", str(error))
            self._undo(self.resource_map.delete, "ROLLBACK")
            return
        self.description = self.template_dict.get("Description")
        self._work_out_outputs()
        self.tell("CREATE_COMPLETE")

    def update(
        self,
        template: str,
        role_arn: str | None = None,
        parameters: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Move to another template; a failure goes back to the one before."""
        wanted = check_template(template)
        before = (self.template, self.template_dict, self.resource_map.input_parameters)
        self.tell("UPDATE_IN_PROGRESS", "User Initiated")
        self.last_updated_time = utcnow()
        self.role_arn = role_arn
        self.tags = self.tags if tags is None else tags
        try:
            self._move(template, wanted, parameters)
        except DeploymentError as error:
            self.tell("UPDATE_ROLLBACK_IN_PROGRESS", str(error))
            self._undo(lambda: self._move(*before), "UPDATE_ROLLBACK")
            return
        self.tell("UPDATE_COMPLETE")

    def _move(self, text: str | Template, template: Template, parameters: Any) -> None:  # noqa: ANN401 -- moto's own
        self.resource_map.update(template, parameters)
        self.template, self.template_dict = text, template
        self.parameters = self.resource_map.input_parameters
        self.description = template.get("Description")
        self._work_out_outputs()

    def _undo(self, go_back: Any, verb: str) -> None:  # noqa: ANN401 -- a function of no arguments
        try:
            go_back()
        except DeploymentError as error:
            self.tell(f"{verb}_FAILED", str(error))
        else:
            self.tell(f"{verb}_COMPLETE")

    def delete(self) -> None:
        """Delete the stack's resources.

        :raises DeploymentError: some could not be deleted; the stack stays.
        """
        self.tell("DELETE_IN_PROGRESS", "User Initiated")
        try:
            self.resource_map.delete()
        except DeploymentError as error:
            self.tell("DELETE_FAILED", str(error))
            raise
        self.deletion_time = utcnow()
        self.tell("DELETE_COMPLETE")

    def tell(self, status: str, reason: str | None = None) -> None:
        """Set the status and write an event."""
        self.status = status
        self.stack_status_reason = reason
        self._add_stack_event(status, resource_status_reason=reason)

    def _report(self, resource: Resource, status: str, reason: str | None) -> None:
        event = Event(
            stack_id=self.stack_id,
            stack_name=self.name,
            logical_resource_id=resource.logical_resource_id,
            physical_resource_id=resource.physical_resource_id,
            resource_type=resource.cf_resource_type,
            resource_status=status,
            resource_status_reason=reason,
            resource_properties=None,
        )
        self.events.append(event)

    def _work_out_outputs(self) -> None:
        written = self.template_dict.get("Outputs") or {}
        conditions = self.resource_map.lazy_condition_map
        self.results = [
            self._read_output(key, output)
            for key, output in written.items()
            if "Condition" not in output or conditions[output["Condition"]]
        ]

    def _read_output(self, key: str, output: dict[str, Any]) -> Output:
        export = self.resource_map.resolve(output.get("Export", {})).get("Name")
        value = self.resource_map.resolve(output["Value"])
        return Output(key, str(value), output.get("Description"), export)


def check_template(text: str) -> Template:
    """Read a template and check what AWS checks before it begins.

    :raises ValidationError: it cannot be deployed.
    """
    template = parse_template(text)
    check_references(template)
    order(template["Resources"])
    return template


class LocalChangeSet(ChangeSet):
    """moto's change set, which forgot to change outputs and parameters."""

    stack: LocalStack

    def _parse_template(self) -> None:
        self.template_dict = check_template(self.template)

    def set_idle(self, idle: bool) -> None:  # noqa: FBT001 -- yes or no
        """Open it for execution, or say that it has nothing to do."""
        self.status = "FAILED" if idle else "CREATE_COMPLETE"
        self.execution_status = "UNAVAILABLE" if idle else "AVAILABLE"
        self.status_reason = NO_CHANGES if idle else None

    def apply(self) -> None:
        """Carry the change set out."""
        if self.change_set_type == "CREATE":
            self.stack.begin(self.template, self.parameters)
        else:
            self.stack.update(self.template, self.role_arn, self.parameters, self.tags)
