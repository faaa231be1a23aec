"""Turn boto3's answers into the frozen values of the gateway: pure functions."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sah.aws.gateway import FunctionVersion, Stack, StackFunction
from sah.domain.aliases import AliasState, Routing
from sah.domain.arns import find_function_arn
from sah.domain.triggers import Trigger, TriggerOrigin, trigger_kind

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import (
        StackResourceSummaryTypeDef,
        StackSummaryTypeDef,
        StackTypeDef,
    )
    from mypy_boto3_lambda.type_defs import (
        AliasConfigurationResponseTypeDef,
        AliasConfigurationTypeDef,
        EventSourceMappingConfigurationTypeDef,
        FunctionConfigurationTypeDef,
    )

DELETED: Final = "DELETE_COMPLETE"
_GONE: Final = frozenset({DELETED, "DELETE_SKIPPED"})
_MAPPING_OFF: Final = frozenset({"Disabling", "Disabled", "Deleting"})
NESTED_STACK: Final = "AWS::CloudFormation::Stack"


def to_stack(item: "StackSummaryTypeDef | StackTypeDef") -> Stack:
    """Read a stack out of ListStacks or DescribeStacks."""
    updated = item.get("LastUpdatedTime")
    return Stack(
        name=item["StackName"],
        stack_id=item.get("StackId", ""),
        status=item["StackStatus"],
        created_at=item["CreationTime"].astimezone(UTC),
        updated_at=updated.astimezone(UTC) if updated else None,
        description=str(item.get("TemplateDescription") or item.get("Description") or ""),
    )


def existing_resources(
    items: Iterable["StackResourceSummaryTypeDef"],
) -> list["StackResourceSummaryTypeDef"]:
    """Leave out what was deleted, kept on deletion, or never made (no physical id)."""
    return [
        item
        for item in items
        if item["ResourceStatus"] not in _GONE and item.get("PhysicalResourceId")
    ]


def to_stack_functions(items: Iterable["StackResourceSummaryTypeDef"]) -> list[StackFunction]:
    """Pair the functions of a stack with its Version resources, by name (aws-facts 12).

    While a deploy runs, CloudFormation lists the old and the new Version of a
    function: the newer one counts.
    """
    functions: dict[str, str] = {}
    versions: dict[str, str] = {}
    for item in items:
        physical_id = item.get("PhysicalResourceId", "")
        arn = find_function_arn(physical_id)
        if item["ResourceType"] == "AWS::Lambda::Function":
            functions[arn.name if arn else physical_id] = item["LogicalResourceId"]
        elif item["ResourceType"] == "AWS::Lambda::Version" and arn and arn.qualifier.isdigit():
            versions[arn.name] = max(versions.get(arn.name, "0"), arn.qualifier, key=int)
    return [
        StackFunction(name, logical_id, versions.get(name, ""))
        for name, logical_id in sorted(functions.items())
    ]


def to_version(function: str, item: "FunctionConfigurationTypeDef") -> FunctionVersion:
    """Read what one published version froze."""
    return FunctionVersion(
        function=function,
        version=item["Version"],
        modified_at=datetime.fromisoformat(item["LastModified"]).astimezone(UTC),
        code_sha256=item.get("CodeSha256", ""),
        code_size=item.get("CodeSize", 0),
        runtime=item.get("Runtime", ""),
        memory_size=item.get("MemorySize", 0),
        timeout=item.get("Timeout", 0),
        handler=item.get("Handler", ""),
        description=item.get("Description", ""),
        state=item.get("State", ""),
        state_reason=item.get("StateReason", ""),
        state_reason_code=item.get("StateReasonCode", ""),
        last_update_status=item.get("LastUpdateStatus", ""),
        layers=tuple(layer.get("Arn", "") for layer in item.get("Layers", [])),
        environment=tuple(sorted(item.get("Environment", {}).get("Variables", {}).items())),
    )


def to_alias(
    function: str, item: "AliasConfigurationTypeDef | AliasConfigurationResponseTypeDef"
) -> AliasState:
    """Read an alias; a weight of 0 sends nothing and is left out."""
    weights = item.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}
    return AliasState(
        function=function,
        name=item["Name"],
        routing=Routing(
            item["FunctionVersion"],
            tuple(sorted((version, weight) for version, weight in weights.items() if weight)),
        ),
        revision_id=item.get("RevisionId", ""),
        description=item.get("Description", ""),
    )


def to_mapping_trigger(item: "EventSourceMappingConfigurationTypeDef") -> Trigger | None:
    """Read an event source mapping; its FunctionArn keeps the qualifier it was made with."""
    arn = find_function_arn(item.get("FunctionArn", ""))
    if arn is None:
        return None
    kind, source = _mapping_source(item)
    return Trigger(
        function=arn.name,
        kind=kind,
        source=source,
        qualifier=arn.qualifier,
        origin=TriggerOrigin.MAPPING,
        enabled=item.get("State") not in _MAPPING_OFF,
    )


def _mapping_source(item: "EventSourceMappingConfigurationTypeDef") -> tuple[str, str]:
    source = item.get("EventSourceArn", "")
    if not source:
        endpoints: Any = item.get("SelfManagedEventSource", {}).get("Endpoints", {})
        servers = [server for group in endpoints.values() for server in group]
        return "Kafka", ",".join(servers)
    # DocumentDB has the ARNs of the database service that it grew from.
    if "DocumentDBEventSourceConfig" in item:
        return "DocumentDB", source
    return trigger_kind(source.split(":")[2]), source
