"""The resources of a stack: what every kind has, and the kinds that do nothing."""

import copy
import hashlib
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import ServiceException
from moto.core.utils import utcnow
from moto.utilities.utils import get_partition
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from datetime import datetime

log = logging.getLogger(__name__)
Properties = dict[str, Any]
# How AWS's generated names end.
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Where AWS allows something else than 64 characters, which is IAM's and Lambda's limit.
LONGEST_NAMES = {"AWS::S3::Bucket": 63, "AWS::SQS::Queue": 80, "AWS::Logs::LogGroup": 512}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a resource stands: account, Region, stack, and its name in the template."""

    account: str
    region: str
    stack_id: str
    stack_name: str
    logical_id: str
    kind: str
    generation: int = 0  # counts replacements, which need new names

    @property
    def suffix(self) -> str:
        """Twelve characters that stay the same for as long as the resource does."""
        seed = f"{self.stack_id} {self.logical_id} {self.generation}"
        digest = hashlib.sha256(seed.encode()).digest()
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:12])

    def make_name(self) -> str:
        """Make up a name as CloudFormation does: ``stack-Logical-SUFFIX``."""
        longest = LONGEST_NAMES.get(self.kind, 64)
        name = f"{self.stack_name}-{self.logical_id}"[: longest - len(self.suffix) - 1]
        name = f"{name}-{self.suffix}"
        return name.lower() if self.kind == "AWS::S3::Bucket" else name


class Resource:
    """One resource that a stack created."""

    # Properties that cannot change in place; None: none can.
    fixed: ClassVar[frozenset[str] | None] = frozenset()

    def __init__(self, place: Place, properties: Properties) -> None:
        self.place = place
        self.properties = properties
        self.physical_resource_id = ""
        self.resource_status = "CREATE_COMPLETE"
        self.timestamp: datetime = utcnow()
        self.retained = False  # DeletionPolicy
        self.retained_when_replaced = False  # UpdateReplacePolicy

    @property
    def logical_resource_id(self) -> str:
        """The name in the template."""
        return self.place.logical_id

    @property
    def cf_resource_type(self) -> str:
        """The type, ``AWS::Lambda::Alias``."""
        return self.place.kind

    def must_replace(self, properties: Properties) -> bool:
        """Tell whether the new properties need a new resource."""
        if self.fixed is None:
            return True
        return any(properties.get(key) != self.properties.get(key) for key in self.fixed)

    def create(self) -> None:
        """Make it, and set its physical id."""
        raise NotImplementedError

    def update(self, properties: Properties) -> None:
        """Change it in place, from ``self.properties`` to these."""
        del properties

    def delete(self) -> None:
        """Remove it."""

    def get_cfn_attribute(self, attribute_name: str) -> Any:  # noqa: ANN401 -- an attribute may be anything
        """Answer Fn::GetAtt; for what nobody knows, with something plausible."""
        if attribute_name == "Arn" or attribute_name.endswith("Arn"):
            return self.make_arn()
        return f"{self.physical_resource_id}.{attribute_name}"

    def make_arn(self) -> str:
        """Make up an ARN from the type and the physical id."""
        if self.physical_resource_id.startswith("arn:"):
            return self.physical_resource_id
        _, service, kind = (*self.place.kind.lower().split("::"), "", "")[:3]
        partition = get_partition(self.place.region)
        where = f"{service}:{self.place.region}:{self.place.account}"
        return f"arn:{partition}:{where}:{kind}/{self.physical_resource_id}"


# What Ref gives where it is neither the resource's name nor a made-up one.
REFS = {"AWS::ApiGatewayV2::Stage": "StageName", "AWS::ApiGateway::Stage": "StageName"}
# Types whose Ref is a short id, although they have a name too.
SHORT = re.compile(r"AWS::(ApiGateway|ApiGatewayV2|CloudFront|EC2|Cognito)::")


class InertResource(Resource):
    """A resource that exists by name only, for every type that nothing here knows."""

    def create(self) -> None:
        """Give it the physical id that AWS would, or one that looks like it."""
        kind = self.place.kind
        named = REFS.get(kind) or (None if SHORT.match(kind) else self._name_property())
        name = self.properties.get(named) if named else None
        short = self.place.suffix[:10].lower()
        self.physical_resource_id = str(
            name or (short if SHORT.match(kind) else self.place.make_name())
        )

    def _name_property(self) -> str:
        own = f"{self.place.kind.rpartition('::')[2]}Name"
        return own if own in self.properties else "Name"

    def must_replace(self, properties: Properties) -> bool:
        """Replace it when its name changes."""
        named = REFS.get(self.place.kind) or self._name_property()
        return bool(properties.get(named) != self.properties.get(named))


class MotoResource(Resource):
    """A resource of a type that moto has a model for."""

    model_class: ClassVar[type[CloudFormationModel]]

    def create(self) -> None:
        """Let moto make it; where moto's model fails on a template, stay inert."""
        place = self.place
        named = self.model_class.cloudformation_name_type()
        self.name = str(self.properties.get(named) or place.make_name())
        self.model: Any = self.model_class.create_from_cloudformation_json(
            self.name,
            self._json(self.properties),
            place.account,
            place.region,
            LogicalId=place.logical_id,
            StackId=place.stack_id,
            ResourceType=place.kind,
        )
        self._note_id()

    def _json(self, properties: Properties) -> dict[str, Any]:
        # moto's models write into what they are given.
        return {"Type": self.place.kind, "Properties": copy.deepcopy(properties)}

    def _note_id(self) -> None:
        self.physical_resource_id = str(getattr(self.model, "physical_resource_id", self.name))

    def update(self, properties: Properties) -> None:
        """Let moto change it, where it can; else it stays as it is."""
        if not _implemented(self.model_class.update_from_cloudformation_json):
            return
        named = self.model_class.cloudformation_name_type()
        self.name = str(properties.get(named) or self.name)
        self.model = self.model_class.update_from_cloudformation_json(
            self.model, self.name, self._json(properties), self.place.account, self.place.region
        )
        self._note_id()

    def delete(self) -> None:
        """Let moto remove it, where it can."""
        where = (self.place.account, self.place.region)
        if _implemented(self.model_class.delete_from_cloudformation_json):
            self.model_class.delete_from_cloudformation_json(
                self.physical_resource_id, self._json(self.properties), *where
            )
        elif hasattr(self.model, "delete"):
            self.model.delete(*where)

    def get_cfn_attribute(self, attribute_name: str) -> Any:  # noqa: ANN401 -- likewise
        """Ask moto; it does not know all of AWS's attributes."""
        try:
            return self.model.get_cfn_attribute(attribute_name)
        except (UnformattedGetAttTemplateException, AttributeError, NotImplementedError):
            return super().get_cfn_attribute(attribute_name)


def _implemented(method: object) -> bool:
    """Tell whether a model has one of moto's optional methods."""
    return not hasattr(method, "__isabstractmethod__")


def wrap_model(model: type[CloudFormationModel]) -> type[Resource]:
    """Make the kind of resource for one of moto's models."""
    return type(f"Moto{model.__name__}", (MotoResource,), {"model_class": model})


def make_resource(kind: type[Resource], place: Place, properties: Properties) -> Resource:
    """Create a resource. Where moto's model stumbles over a template, an inert one.

    :raises ServiceException: AWS would refuse it too.
    """
    resource = kind(place, properties)
    try:
        resource.create()
    except (ServiceException, HTTPException):
        raise
    except Exception:
        if not isinstance(resource, MotoResource):
            raise
        log.debug("moto cannot create %s; it stays inert", place, exc_info=True)
        resource = InertResource(place, properties)
        resource.create()
    return resource
