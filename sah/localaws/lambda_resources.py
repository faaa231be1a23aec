"""CloudFormation's Lambda resources: functions, versions, aliases, permissions, mappings."""

import base64
from typing import Any

from moto.awslambda.models import LambdaFunction

from sah.localaws.errors import LambdaError
from sah.localaws.lambda_backend import Lambda, find_lambda
from sah.localaws.names import parse_name
from sah.localaws.resources import Properties, Resource

NUMBERS = ("MemorySize", "Timeout")
# What a function has when its template says nothing; leaving a property out resets it.
DEFAULTS: Properties = {
    "Description": "",
    "MemorySize": 128,
    "Timeout": 3,
    "Environment": {},
    "Layers": [],
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": None,
    "KMSKeyArn": None,
    "DeadLetterConfig": None,
}


class LambdaResource(Resource):
    """What the Lambda resources share."""

    @property
    def backend(self) -> Lambda:
        """The Lambda service of the stack's account and Region."""
        return find_lambda(self.place.account, self.place.region)


class FunctionResource(LambdaResource):
    """``AWS::Lambda::Function``; its physical id is its name."""

    fixed = frozenset({"FunctionName", "PackageType"})

    def create(self) -> None:
        """Create the function."""
        name = str(self.properties.get("FunctionName") or self.place.make_name())
        if self.backend.storage.find_version(name, "$LATEST"):
            raise LambdaError("ResourceConflictException", f"Function already exist: {name}")
        spec = _read_spec(self.properties) | {"FunctionName": name}
        self.backend.create_function(spec)
        self.physical_resource_id = name

    def update(self, properties: Properties) -> None:
        """Change code and configuration, each only if the template's changed."""
        fn = self.backend.storage.get_function_by_name_or_arn_with_qualifier(
            self.physical_resource_id
        )
        old, new = _read_spec(self.properties), _read_spec(properties)
        if self.properties["Code"] != properties["Code"]:
            fn.update_function_code(new["Code"])
        if old | {"Code": None} != new | {"Code": None}:
            fn.update_configuration(DEFAULTS | new)
            fn.tags = new.get("Tags", {})
            fn.reserved_concurrency = new.get("ReservedConcurrentExecutions")

    def delete(self) -> None:
        """Delete the function with all of its versions."""
        self.backend.delete_function(self.physical_resource_id)

    def get_cfn_attribute(self, attribute_name: str) -> Any:  # noqa: ANN401 -- the base's
        """Answer Arn; the rest is left to the base."""
        if attribute_name == "Arn":
            return self.backend.storage.arn(parse_name(self.physical_resource_id))
        return super().get_cfn_attribute(attribute_name)


def _read_spec(properties: Properties) -> Properties:
    """Turn the template's properties into what CreateFunction takes."""
    spec = {key: value for key, value in properties.items() if key != "KmsKeyArn"}
    spec["Code"] = _read_code(properties["Code"])
    spec |= {key: int(properties[key]) for key in NUMBERS if key in properties}
    if "KmsKeyArn" in properties:
        spec["KMSKeyArn"] = properties["KmsKeyArn"]
    if variables := properties.get("Environment", {}).get("Variables"):
        spec["Environment"] = {"Variables": {k: _text(v) for k, v in variables.items()}}
    if "Tags" in properties:
        spec["Tags"] = {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
    return spec


def _read_code(code: Properties) -> Properties:
    """Zip an inline function, which is plain text in a template."""
    if "ZipFile" not in code:
        return dict(code)
    zipped = LambdaFunction._create_zipfile_from_plaintext_code(code["ZipFile"])  # noqa: SLF001
    return {"ZipFile": base64.b64encode(zipped).decode()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class VersionResource(LambdaResource):
    """``AWS::Lambda::Version``; any change needs a new one.

    Unlike AWS, ``CodeSha256`` is not compared with the code: samples carry one that
    belongs to somebody else's build.
    """

    fixed = None

    def create(self) -> None:
        """Publish. AWS refuses when nothing changed since the last version."""
        storage = self.backend.storage
        latest = storage.get_function_by_name_or_arn_with_qualifier(self.properties["FunctionName"])
        if same := storage.find_published(latest):
            raise LambdaError(
                "ResourceConflictException",
                f"A version for this Lambda function exists ( {same.version} ). "
                "Modify the function to create a new version.",
            )
        params = {"Description": self.properties.get("Description")}
        version = storage.publish(latest.function_name, params)
        self.version = str(version.version)
        self.physical_resource_id = version.function_arn

    def delete(self) -> None:
        """Delete the version, if nobody did so before."""
        named = parse_name(self.physical_resource_id)
        if self.backend.storage.find_version(named.function, self.version):
            self.backend.delete_function(self.physical_resource_id)

    def get_cfn_attribute(self, attribute_name: str) -> Any:  # noqa: ANN401 -- the base's
        """Answer Version and FunctionArn, which has the version in it."""
        if attribute_name == "Version":
            return self.version
        return self.physical_resource_id


class AliasResource(LambdaResource):
    """``AWS::Lambda::Alias``; its physical id is its ARN."""

    fixed = frozenset({"FunctionName", "Name"})

    def create(self) -> None:
        """Create the alias."""
        alias = self.backend.storage.add_alias(
            self.properties["FunctionName"], _read_alias(self.properties)
        )
        self.physical_resource_id = alias.arn

    def update(self, properties: Properties) -> None:
        """Move the alias; a template without weights clears them."""
        self.backend.storage.change_alias(
            properties["FunctionName"], properties["Name"], _read_alias(properties)
        )

    def delete(self) -> None:
        """Delete the alias."""
        self.backend.delete_alias(self.properties["Name"], self.properties["FunctionName"])

    def get_cfn_attribute(self, attribute_name: str) -> Any:  # noqa: ANN401 -- the base's
        """Answer AliasArn."""
        del attribute_name
        return self.physical_resource_id


def _read_alias(properties: Properties) -> Properties:
    """Turn the template's weights, a list, into the API's, a map."""
    weights = properties.get("RoutingConfig", {}).get("AdditionalVersionWeights", [])
    given = {str(each["FunctionVersion"]): float(each["FunctionWeight"]) for each in weights}
    version = str(properties["FunctionVersion"])
    return {
        "Name": properties["Name"],
        "FunctionVersion": version,
        "Description": properties.get("Description", ""),
        "RoutingConfig": {"AdditionalVersionWeights": given},
    }


class PermissionResource(LambdaResource):
    """``AWS::Lambda::Permission``, on whatever its FunctionName names: alias included."""

    fixed = None

    def create(self) -> None:
        """Add the statement."""
        self.physical_resource_id = self.place.make_name()
        params = self.properties | {"StatementId": self.physical_resource_id}
        self.backend.permit(self.properties["FunctionName"], None, params)

    def delete(self) -> None:
        """Remove the statement."""
        named = parse_name(self.properties["FunctionName"])
        self.backend.policies.remove(named, self.physical_resource_id)


class MappingResource(LambdaResource):
    """``AWS::Lambda::EventSourceMapping``; its physical id is its UUID."""

    fixed = frozenset({"EventSourceArn", "StartingPosition", "SelfManagedEventSource"})

    def create(self) -> None:
        """Make the mapping."""
        self.physical_resource_id = self.backend.add_mapping(_read_mapping(self.properties)).uuid

    def update(self, properties: Properties) -> None:
        """Change it, or point it at another function or alias."""
        self.backend.change_mapping(self.physical_resource_id, _read_mapping(properties))

    def delete(self) -> None:
        """Delete it."""
        self.backend.drop_mapping(self.physical_resource_id)

    def get_cfn_attribute(self, attribute_name: str) -> Any:  # noqa: ANN401 -- the base's
        """Answer Id and EventSourceMappingArn."""
        if attribute_name == "Id":
            return self.physical_resource_id
        return self.backend.find_mapping(self.physical_resource_id).arn


class UrlResource(LambdaResource):
    """``AWS::Lambda::Url``; nobody listens there. Its physical id is what it invokes."""

    fixed = frozenset({"TargetFunctionArn", "Qualifier"})

    def create(self) -> None:
        """Note which function, or which alias of it."""
        named = parse_name(self.properties["TargetFunctionArn"], self.properties.get("Qualifier"))
        self.physical_resource_id = self.backend.storage.arn(named)

    def get_cfn_attribute(self, attribute_name: str) -> Any:  # noqa: ANN401 -- the base's
        """Answer FunctionUrl and FunctionArn."""
        if attribute_name == "FunctionUrl":
            host = f"{self.place.suffix.lower()}.lambda-url.{self.place.region}.on.aws"
            return f"https://{host}/"
        return self.physical_resource_id


class LayerResource(LambdaResource):
    """``AWS::Lambda::LayerVersion``; its physical id is the ARN with the version."""

    fixed = None

    def create(self) -> None:
        """Publish the layer."""
        name = self.properties.get("LayerName") or self.place.make_name()
        layer = self.backend.publish_layer_version(self.properties | {"LayerName": name})
        self.physical_resource_id = layer.arn

    def delete(self) -> None:
        """Delete this version of the layer."""
        layer, _, version = self.physical_resource_id.rpartition(":")
        self.backend.delete_layer_version(layer, version)


def _read_mapping(properties: Properties) -> Properties:
    """Turn the template's text, where it has some, into the API's values."""
    enabled = str(properties.get("Enabled", True)).lower() == "true"
    return properties | {"Enabled": enabled}


KINDS: dict[str, type[Resource]] = {
    "AWS::Lambda::Function": FunctionResource,
    "AWS::Lambda::Version": VersionResource,
    "AWS::Lambda::Alias": AliasResource,
    "AWS::Lambda::Permission": PermissionResource,
    "AWS::Lambda::EventSourceMapping": MappingResource,
    "AWS::Lambda::Url": UrlResource,
    "AWS::Lambda::LayerVersion": LayerResource,
}
