"""What the contract suite needs of a world: the fake has it, here it is for the real gateway."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import boto3

from sah.aws.gateway import AccessKind, AccountAccess, AwsGateway
from sah.aws.limiter import Limits, Pool
from sah.aws.sessions import Connections
from sah.domain.aliases import DEFAULT_ALIAS
from sah.localaws import LocalAws

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_lambda.client import LambdaClient

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/shop"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


class World(Protocol):
    """An AWS that a test can change from outside of SAH."""

    def add_stack(
        self, name: str, functions: Mapping[str, int] | None = None, *, parent: str = ""
    ) -> None: ...
    def deploy(self, stack: str, changed: list[str]) -> None: ...
    def delete_stack(self, stack: str) -> None: ...
    def add_function(self, name: str, versions: int = 1) -> None: ...
    def publish(self, function: str) -> str: ...
    def publish_layer(self, name: str) -> str: ...
    def configure(
        self, function: str, *, environment: Mapping[str, str], layers: Sequence[str] = ()
    ) -> None: ...
    def set_alias(
        self, function: str, alias: str, version: str, *weights: tuple[str, float]
    ) -> object: ...
    def delete_version(self, function: str, version: str) -> None: ...
    def delete_function(self, function: str) -> None: ...
    def add_policy(
        self, function: str, qualifier: str = "", *, principal: str = ..., source: str = ""
    ) -> None: ...
    def add_mapping(
        self, function: str, qualifier: str, source: str, *, enabled: bool = True
    ) -> None: ...


def fast_limits() -> Limits:
    """Make limits that no test notices."""
    return Limits(dict.fromkeys(Pool, 1e6), first_backoff_s=0.0)


def access(aws: LocalAws, **changes: Any) -> AccountAccess:  # noqa: ANN401 - its fields
    """Say how to reach the embedded AWS."""
    fields = {
        "kind": AccessKind.ACCESS_KEY,
        "region": REGION,
        "access_key_id": KEY_ID,
        "secret_access_key": SECRET,
        "endpoint_url": aws.url,
    }
    return AccountAccess(**(fields | changes))


class LocalWorld:
    """The embedded AWS, changed by boto3 as a deploy or another person would."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.gateway: AwsGateway = Connections(fast_limits()).open(access(aws))
        session = boto3.Session(KEY_ID, SECRET, region_name=REGION)
        self._lambda: LambdaClient = session.client("lambda", endpoint_url=aws.url)
        self._stacks: CloudFormationClient = session.client("cloudformation", endpoint_url=aws.url)
        self._sqs = session.client("sqs", endpoint_url=aws.url)
        self._s3 = session.client("s3", endpoint_url=aws.url)
        self._templates: dict[str, dict[str, Any]] = {}
        self._ids: dict[str, str] = {}  # of nested stacks, whose real names AWS makes
        self._numbers = count(1)

    def reset(self) -> None:
        """Start over."""
        self.aws.reset()
        self._templates.clear()
        self._ids.clear()

    def add_stack(
        self, name: str, functions: Mapping[str, int] | None = None, *, parent: str = ""
    ) -> None:
        """Deploy as often as the function with the most versions needs."""
        functions = functions or {}
        if parent:
            self._nest(name, functions, parent)
            return
        template = self._template(functions)
        self._templates[name] = template
        self._stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
        for done in range(1, max(functions.values(), default=1)):
            self.deploy(name, [f for f, versions in functions.items() if versions > done])

    def deploy(self, stack: str, changed: list[str]) -> None:
        """Give the changed functions other code, and so another Version resource."""
        resources = self._templates[stack]["Resources"]
        for function in changed:
            logical_id = _logical_id(function)
            old = next(key for key in resources if key.startswith(f"{logical_id}Version"))
            del resources[old]
            resources |= self._function_resources(function, versioned=True)
        self._stacks.update_stack(
            StackName=self._ids.get(stack, stack), TemplateBody=json.dumps(self._templates[stack])
        )

    def delete_stack(self, stack: str) -> None:
        """Delete a stack."""
        self._stacks.delete_stack(StackName=stack)

    def add_function(self, name: str, versions: int = 1) -> None:
        """Make a function outside of any stack."""
        self._lambda.create_function(
            FunctionName=name,
            Role=ROLE,
            Runtime="nodejs22.x",
            Handler="index.handler",
            Code={"ZipFile": self._code()},
        )
        for _ in range(versions):
            newest = self.publish(name)
        if versions:
            self.set_alias(name, DEFAULT_ALIAS, newest)

    def publish(self, function: str) -> str:
        """Publish other code."""
        answer = self._lambda.update_function_code(
            FunctionName=function, ZipFile=self._code(), Publish=True
        )
        return answer["Version"]

    def publish_layer(self, name: str) -> str:
        """Publish the first version of a layer; give its ARN."""
        answer = self._lambda.publish_layer_version(
            LayerName=name, Content={"ZipFile": self._code()}
        )
        return answer["LayerVersionArn"]

    def configure(
        self, function: str, *, environment: Mapping[str, str], layers: Sequence[str] = ()
    ) -> None:
        """Change what the next versions of a function will have."""
        self._lambda.update_function_configuration(
            FunctionName=function,
            Environment={"Variables": dict(environment)},
            Layers=list(layers),
        )

    def set_alias(
        self, function: str, alias: str, version: str, *weights: tuple[str, float]
    ) -> None:
        """Move or make an alias, as somebody else would."""
        wanted: Any = {
            "FunctionName": function,
            "Name": alias,
            "FunctionVersion": version,
            "RoutingConfig": {"AdditionalVersionWeights": dict(weights)},
        }
        try:
            self._lambda.create_alias(**wanted)
        except self._lambda.exceptions.ResourceConflictException:
            self._lambda.update_alias(**wanted)

    def delete_version(self, function: str, version: str) -> None:
        """Delete one version."""
        self._lambda.delete_function(FunctionName=function, Qualifier=version)

    def delete_function(self, function: str) -> None:
        """Delete a function with all of its versions."""
        self._lambda.delete_function(FunctionName=function)

    def add_policy(
        self,
        function: str,
        qualifier: str = "",
        *,
        principal: str = "sns.amazonaws.com",
        source: str = "",
    ) -> None:
        """Allow a principal to invoke."""
        given: dict[str, Any] = {"Qualifier": qualifier} if qualifier else {}
        if source:
            given["SourceArn"] = source
        self._lambda.add_permission(
            FunctionName=function,
            StatementId=f"allow-{next(self._numbers)}",
            Action="lambda:InvokeFunction",
            Principal=principal,
            **given,
        )

    def add_mapping(
        self, function: str, qualifier: str, source: str, *, enabled: bool = True
    ) -> None:
        """Let a queue, made for it, or a stream start a function."""
        if ":sqs:" in source:
            self._sqs.create_queue(QueueName=source.rpartition(":")[2])
        self._lambda.create_event_source_mapping(
            FunctionName=f"{function}:{qualifier}" if qualifier else function,
            EventSourceArn=source,
            Enabled=enabled,
        )

    def _code(self) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("index.js", f"// {next(self._numbers)}")
        return file.getvalue()

    def _template(self, functions: Mapping[str, int]) -> dict[str, Any]:
        resources: dict[str, Any] = {}
        for function, versions in functions.items():
            resources |= self._function_resources(function, versioned=versions > 0)
        # CloudFormation wants at least one resource.
        resources.setdefault("Topic", {"Type": "AWS::SNS::Topic"})
        return {"Resources": resources}

    def _function_resources(self, function: str, *, versioned: bool) -> dict[str, Any]:
        number = next(self._numbers)
        logical_id = _logical_id(function)
        resources: dict[str, Any] = {
            logical_id: {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": function,
                    "Role": ROLE,
                    "Runtime": "nodejs22.x",
                    "Handler": "index.handler",
                    "Code": {"ZipFile": f"// {number}"},
                },
            }
        }
        if versioned:
            version = f"{logical_id}Version{number}"
            resources[version] = {
                "Type": "AWS::Lambda::Version",
                "DeletionPolicy": "Retain",
                "Properties": {"FunctionName": {"Ref": logical_id}},
            }
            resources[f"{logical_id}Alias"] = {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "Name": DEFAULT_ALIAS,
                    "FunctionName": {"Ref": logical_id},
                    "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
                },
            }
        return resources

    def _nest(self, name: str, functions: Mapping[str, int], parent: str) -> None:
        self._s3.create_bucket(
            Bucket="templates", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        self._templates[name] = self._template(functions)
        body = json.dumps(self._templates[name])
        self._s3.put_object(Bucket="templates", Key=f"{name}.json", Body=body.encode())
        self._templates[parent]["Resources"][_logical_id(name)] = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": f"https://s3.amazonaws.com/templates/{name}.json"},
        }
        self.deploy(parent, [])
        found = self._stacks.describe_stack_resource(
            StackName=parent, LogicalResourceId=_logical_id(name)
        )
        self._ids[name] = found["StackResourceDetail"]["PhysicalResourceId"]


def _logical_id(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))
