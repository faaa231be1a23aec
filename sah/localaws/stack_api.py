"""CloudFormation's API over HTTP: pages, times and messages as AWS has them."""

import contextlib
from collections.abc import Iterator
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult, EmptyResult

from sah.localaws.paging import page
from sah.localaws.resources import Resource
from sah.localaws.stack_backend import (
    ChangeSetNotFoundError,
    CloudFormation,
    Wish,
    find_cloudformation,
)
from sah.localaws.stacks import LocalStack
from sah.localaws.template import parse_template

PAGE = 100  # AWS's pages end at 1 MB; about a hundred resources is common
STACKS_PAGE = 50


class CloudFormationApi(CloudFormationResponse):
    """moto's answers, with pages that callers have to follow."""

    @property
    def cloudformation_backend(self) -> CloudFormation:
        """The service of the caller's account and Region."""
        return find_cloudformation(self.current_account, self.region)

    def one_page(self, key: str, items: list[Any], size: int) -> ActionResult:
        """Answer with one page."""
        bad = ValidationError(message="Invalid NextToken")
        shown, token = page(items, self._get_param("NextToken"), size, bad)
        return ActionResult({key: shown, "NextToken": token})

    def create_stack(self) -> ActionResult:
        """CreateStack."""
        return ActionResult({"StackId": self.cloudformation_backend.launch(self._wish()).stack_id})

    def update_stack(self) -> ActionResult:
        """UpdateStack."""
        stack = self.cloudformation_backend.find_stack(self._get_param("StackName"))
        stack = self.cloudformation_backend.revise(self._wish(stack))
        return ActionResult({"StackId": stack.stack_id})

    def _wish(self, stack: LocalStack | None = None) -> Wish:
        given = self._get_param("Parameters", [])
        return Wish(
            self._get_param("StackName"),
            self._read_template(stack),
            dict(_read_values(given, stack)),
            # Empty tags do not arrive at all, so they cannot clear the old ones.
            {tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])} or None,
            self._get_param("RoleARN"),
        )

    def _read_template(self, stack: LocalStack | None) -> str:
        if stack and self._get_param("UsePreviousTemplate"):
            return str(stack.template)
        if url := self._get_param("TemplateURL"):
            return self.cloudformation_backend.read_url(url)
        if body := self._get_param("TemplateBody"):
            return str(body)
        raise ValidationError(message="Either Template URL or Template Body must be specified.")

    def delete_stack(self) -> ActionResult:
        """DeleteStack."""
        self.cloudformation_backend.delete_stack(self._get_param("StackName"))
        return EmptyResult()

    def create_change_set(self) -> ActionResult:
        """CreateChangeSet."""
        kind = self._get_param("ChangeSetType", "UPDATE")
        backend = self.cloudformation_backend
        stack = None if kind == "CREATE" else backend.find_stack(self._get_param("StackName"))
        change_set = backend.propose(
            self._wish(stack),
            self._get_param("ChangeSetName"),
            kind,
            self._get_param("Description"),
        )
        return ActionResult({"Id": change_set.change_set_id, "StackId": change_set.stack_id})

    def describe_change_set(self) -> ActionResult:
        """DescribeChangeSet."""
        return ActionResult(self._find_change_set())

    def _find_change_set(self) -> Any:  # noqa: ANN401 -- moto's model
        return self.cloudformation_backend.find_change_set(
            self._get_param("ChangeSetName"), self._get_param("StackName")
        )

    def delete_change_set(self) -> ActionResult:
        """DeleteChangeSet; AWS does not mind when there is none, and the framework counts on it."""
        with contextlib.suppress(ChangeSetNotFoundError):
            found = self._find_change_set()
            del self.cloudformation_backend.change_sets[found.change_set_id]
        return EmptyResult()

    def list_change_sets(self) -> ActionResult:
        """ListChangeSets of one stack."""
        stack = self.cloudformation_backend.find_stack(self._get_param("StackName"))
        every = self.cloudformation_backend.change_sets.values()
        mine = [each for each in every if each.stack_id == stack.stack_id]
        return self.one_page("Summaries", mine, PAGE)

    def describe_stacks(self) -> ActionResult:
        """DescribeStacks, in pages."""
        stacks = self.cloudformation_backend.describe_stacks(self._get_param("StackName"))
        return self.one_page("Stacks", list(stacks), STACKS_PAGE)

    def list_stacks(self) -> ActionResult:
        """ListStacks, the deleted ones too, in pages."""
        wanted = self._get_param("StackStatusFilter", [])
        return self.one_page(
            "StackSummaries", self.cloudformation_backend.list_stacks(wanted), PAGE
        )

    def list_stack_resources(self) -> ActionResult:
        """ListStackResources, in pages."""
        stack = self.cloudformation_backend.find_stack(self._get_param("StackName"))
        shown = [_summarise(each) for each in stack.stack_resources]
        return self.one_page("StackResourceSummaries", shown, PAGE)

    def describe_stack_resources(self) -> ActionResult:
        """DescribeStackResources, which stops at 100 and has no pages."""
        stack = self.cloudformation_backend.find_stack(self._get_param("StackName"))
        wanted = self._get_param("LogicalResourceId")
        found = [r for r in stack.stack_resources if wanted in (None, r.logical_resource_id)]
        return ActionResult({"StackResources": [_describe(stack, each) for each in found[:PAGE]]})

    def describe_stack_resource(self) -> ActionResult:
        """DescribeStackResource."""
        stack = self.cloudformation_backend.find_stack(self._get_param("StackName"))
        wanted = self._get_param("LogicalResourceId")
        for each in stack.stack_resources:
            if each.logical_resource_id == wanted:
                shown = _describe(stack, each)
                shown["LastUpdatedTimestamp"] = shown.pop("Timestamp")
                return ActionResult({"StackResourceDetail": shown})
        raise ValidationError(message=f"Resource {wanted} does not exist for stack {stack.name}")

    def describe_stack_events(self) -> ActionResult:
        """DescribeStackEvents, the newest first, in pages."""
        stack = self.cloudformation_backend.find_stack(self._get_param("StackName"))
        return self.one_page("StackEvents", stack.events[::-1], PAGE)

    def validate_template(self) -> ActionResult:
        """ValidateTemplate. AWS checks the form; moto runs cfn-lint and fails on warnings."""
        template = parse_template(self._read_template(None))
        parameters = template.get("Parameters") or {}
        return ActionResult(
            {
                "Description": template.get("Description", ""),
                "Parameters": [
                    {"ParameterKey": key, "DefaultValue": each.get("Default")}
                    for key, each in parameters.items()
                ],
            }
        )


def _read_values(
    given: list[dict[str, Any]], stack: LocalStack | None
) -> Iterator[tuple[str, str]]:
    """Read the parameters; UsePreviousValue keeps what the stack was given."""
    known = stack.resource_map.input_parameters if stack else {}
    for each in given:
        key = each["ParameterKey"]
        if not each.get("UsePreviousValue"):
            yield key, each.get("ParameterValue", "")
        elif key in known:
            yield key, known[key]


def _summarise(resource: Resource) -> dict[str, Any]:
    return {
        "LogicalResourceId": resource.logical_resource_id,
        "PhysicalResourceId": resource.physical_resource_id,
        "ResourceType": resource.cf_resource_type,
        "LastUpdatedTimestamp": resource.timestamp,
        "ResourceStatus": resource.resource_status,
    }


def _describe(stack: LocalStack, resource: Resource) -> dict[str, Any]:
    shown = _summarise(resource)
    shown["Timestamp"] = shown.pop("LastUpdatedTimestamp")
    return shown | {"StackId": stack.stack_id, "StackName": stack.name}
