"""Carry a template out in AWS's order: create and change first, then clean up."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from moto.cloudformation.parsing import ResourceMap, clean_json
from moto.core.exceptions import ServiceException, _RESTError
from moto.core.utils import utcnow
from moto.utilities.utils import get_partition

from sah.localaws.kinds import find_kind
from sah.localaws.resources import Place, Properties, Resource, make_resource
from sah.localaws.template import Template, order

log = logging.getLogger(__name__)
Report = Callable[[Resource, str, str | None], None]


class DeploymentError(Exception):
    """A resource could not be created, changed or deleted, and why."""


class StackResources(ResourceMap):
    """moto's map of a stack's resources, with AWS's way to create and update.

    moto makes a resource when somebody first asks for it, in an order of its own:
    it publishes versions before it updates the code they should hold.
    """

    # Set by the stack: writes an event for each resource.
    report: Report

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- moto's own
        super().__init__(*args, **kwargs)
        self.provisioned: dict[str, Resource] = {}
        self.stack_name = str(self._parsed_resources["AWS::StackName"])
        partition = get_partition(self._region_name)
        suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
        self._parsed_resources |= {
            "AWS::Partition": partition,
            "AWS::URLSuffix": suffix,
            "AWS::NotificationARNs": [],
        }

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 -- a resource or a parameter
        """Find a resource or a parameter; what a false condition left out is None."""
        if key in self.provisioned:
            return self.provisioned[key]
        return self._parsed_resources.get(key)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 -- Mapping's own
        """Find it, or else."""
        found = self[key]
        return default if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter(self.provisioned)

    def __len__(self) -> int:
        return len(self.provisioned)

    @property
    def resources(self) -> Iterable[str]:
        """The logical ids of what there is."""
        return self.provisioned.keys()

    def validate_outputs(self) -> None:
        """Leave attributes alone: moto does not know all of AWS's."""

    def resolve(self, value: Any) -> Any:  # noqa: ANN401 -- any part of a template
        """Work out Ref, Fn::Sub and the like."""
        return _drop_no_value(clean_json(value, self))

    def create(self, template: Template) -> bool:
        """Create every resource; True, because all are ready then."""
        self._apply(template)
        return True

    def update(self, template: Template, parameters: dict[str, Any] | None = None) -> None:
        """Move the stack to a new template.

        :raises DeploymentError: a resource failed; those before it stay changed.
        """
        if parameters is not None:
            self.input_parameters = parameters
        self._template = template
        self.resolved_parameters = {}
        self.load()
        self._apply(template)

    def delete(self) -> None:
        """Delete the stack's resources, but for those to be retained.

        :raises DeploymentError: some could not be deleted.
        """
        failed = self._clean_up(list(self.provisioned.values()))
        self.provisioned = {each.logical_resource_id: each for each in reversed(failed)}
        if failed:
            names = ", ".join(each.logical_resource_id for each in failed)
            raise DeploymentError(f"The following resource(s) failed to delete: [{names}].")

    def _apply(self, template: Template) -> None:
        self._resource_json_map = template["Resources"]
        wanted = [name for name in order(template["Resources"]) if self._is_wanted(name)]
        replaced: dict[str, Resource] = {}
        try:
            for name in wanted:
                self._settle(name, replaced)
        except DeploymentError:
            self._put_back(replaced)
            raise
        gone = [self.provisioned.pop(name) for name in list(self.provisioned) if name not in wanted]
        self._clean_up([*gone, *replaced.values()])

    def _is_wanted(self, name: str) -> bool:
        condition = self._resource_json_map[name].get("Condition")
        return condition is None or bool(self.lazy_condition_map[condition])

    def _settle(self, name: str, replaced: dict[str, Resource]) -> None:
        """Create, change, replace or leave one resource."""
        current = self.provisioned.get(name)
        try:
            properties = self.resolve(self._resource_json_map[name].get("Properties") or {})
            if current is None:
                self._create(name, properties)
            elif self._must_replace(current, properties):
                self._create(name, properties, current.place.generation + 1)
                current.retained = current.retained_when_replaced
                replaced[name] = current
            elif current.properties != properties:
                self._change(current, properties)
        except Exception as error:
            raise self._failure(name, error) from error
        self._note_policies(name)

    def _must_replace(self, current: Resource, properties: Properties) -> bool:
        if current.place.kind != self._resource_json_map[current.place.logical_id]["Type"]:
            return True
        return current.properties != properties and current.must_replace(properties)

    def _create(self, name: str, properties: Properties, generation: int = 0) -> None:
        place = self._place(name, generation)
        resource = make_resource(find_kind(place.kind), place, properties)
        self.provisioned[name] = resource
        self._note(resource, "UPDATE_COMPLETE" if generation else "CREATE_COMPLETE")

    def _place(self, name: str, generation: int = 0) -> Place:
        kind = self._resource_json_map[name]["Type"]
        where = (self._account_id, self._region_name, self.stack_id, self.stack_name)
        return Place(*where, name, kind, generation)

    def _change(self, resource: Resource, properties: Properties) -> None:
        resource.update(properties)
        resource.properties = properties
        self._note(resource, "UPDATE_COMPLETE")

    def _note(self, resource: Resource, status: str) -> None:
        resource.resource_status = status
        resource.timestamp = utcnow()
        self.report(resource, status, None)

    def _note_policies(self, name: str) -> None:
        written = self._resource_json_map[name]
        resource = self.provisioned[name]
        resource.retained = written.get("DeletionPolicy", "").startswith("Retain")
        resource.retained_when_replaced = written.get("UpdateReplacePolicy") == "Retain"

    def _failure(self, name: str, error: Exception) -> DeploymentError:
        resource = self.provisioned.get(name) or Resource(self._place(name), {})
        verb = "UPDATE" if name in self.provisioned else "CREATE"
        reason = explain(error)
        self.report(resource, f"{verb}_FAILED", reason)
        return DeploymentError(f"The following resource(s) failed to {verb.lower()}: [{name}].")

    def _put_back(self, replaced: dict[str, Resource]) -> None:
        """Bring the old ones back and delete what was to replace them."""
        fresh = [self.provisioned[name] for name in replaced]
        self.provisioned |= replaced
        self._clean_up(fresh)

    def _clean_up(self, leftovers: list[Resource]) -> list[Resource]:
        """Delete what the template no longer has, the last created first."""
        return [each for each in reversed(leftovers) if not self._remove(each)]

    def _remove(self, resource: Resource) -> bool:
        if resource.retained:
            self.report(resource, "DELETE_SKIPPED", None)
            return True
        try:
            resource.delete()
        except Exception as error:  # noqa: BLE001 -- whatever moto raises is the resource's fault
            if _is_gone_already(error):
                return True
            self.report(resource, "DELETE_FAILED", explain(error))
            return False
        self.report(resource, "DELETE_COMPLETE", None)
        return True


def explain(error: Exception) -> str:
    """Say in one line what went wrong with a resource."""
    if isinstance(error, (ServiceException, _RESTError)):
        return f"Resource handler returned message: {error.message}"
    log.debug("A resource failed inside moto", exc_info=error)
    return f"{type(error).__name__}: {error}"


def _is_gone_already(error: Exception) -> bool:
    """Tell whether somebody else deleted the resource before."""
    code = getattr(error, "code", "") or getattr(error, "error_type", "")
    kind = f"{type(error).__name__} {code} {getattr(error, 'error_type', '')}"
    return any(word in kind for word in ("NotFound", "NoSuch", "NonExistent", "DoesNotExist"))


def _drop_no_value(value: Any) -> Any:  # noqa: ANN401 -- any part of a template
    """Drop ``AWS::NoValue`` from lists too; moto only drops it from maps."""
    if isinstance(value, dict):
        return {key: _drop_no_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_drop_no_value(each) for each in value if each is not None]
    return value
