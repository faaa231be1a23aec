"""CloudFormation resources beside Lambda that the Serverless Framework deploys."""

import json
from typing import Any, ClassVar

from moto.apigateway.models import APIGatewayBackend, RestAPI, apigateway_backends
from moto.apigateway.models import Resource as ApiPath
from moto.events.models import Rule, events_backends
from moto.s3.exceptions import BucketNotEmpty
from moto.s3.models import FakeBucket, s3_backends
from moto.sns.models import Topic, sns_backends
from moto.utilities.utils import get_partition

from sah.localaws.resources import MotoResource, Properties, Resource


class ApiGatewayResource(Resource):
    """What the parts of a REST API share."""

    @property
    def backend(self) -> APIGatewayBackend:
        """API Gateway in the stack's account and Region."""
        return apigateway_backends[self.place.account][self.place.region]

    @property
    def api(self) -> RestAPI | None:
        """The REST API this is a part of; None when that was deleted before."""
        return self.backend.apis.get(self.properties["RestApiId"])


class RestApiResource(MotoResource):
    """``AWS::ApiGateway::RestApi``, which moto creates but never deletes."""

    model_class = RestAPI

    def delete(self) -> None:
        """Delete the API with all of its parts."""
        backend = apigateway_backends[self.place.account][self.place.region]
        backend.apis.pop(self.physical_resource_id, None)


class ApiPathResource(MotoResource, ApiGatewayResource):
    """``AWS::ApiGateway::Resource``, likewise."""

    model_class = ApiPath
    fixed = frozenset({"ParentId", "PathPart", "RestApiId"})

    def delete(self) -> None:
        """Delete the path."""
        if self.api:
            self.api.resources.pop(self.physical_resource_id, None)


class MethodResource(ApiGatewayResource):
    """``AWS::ApiGateway::Method``; moto's cannot change, and fails without a Uri."""

    fixed = frozenset({"HttpMethod", "ResourceId", "RestApiId"})

    def create(self) -> None:
        """Put the method and its integration."""
        self.physical_resource_id = self.place.make_name()
        self._put(self.properties)

    def update(self, properties: Properties) -> None:
        """Put them again, as they are now."""
        self._put(properties)

    def _put(self, properties: Properties) -> None:
        api_id, path_id = properties["RestApiId"], properties["ResourceId"]
        verb = properties["HttpMethod"]
        self.backend.put_method(
            api_id,
            path_id,
            verb,
            properties.get("AuthorizationType"),
            properties.get("ApiKeyRequired"),
            authorizer_id=properties.get("AuthorizerId"),
        )
        if integration := properties.get("Integration"):
            self.backend.get_resource(api_id, path_id).add_integration(
                verb,
                integration.get("Type", "MOCK"),
                integration.get("Uri", ""),
                integration_method=integration.get("IntegrationHttpMethod"),
                request_templates=integration.get("RequestTemplates"),
            )

    def delete(self) -> None:
        """Delete the method, if its path is still there."""
        path = self.api and self.api.resources.get(self.properties["ResourceId"])
        if path:
            path.delete_method(self.properties["HttpMethod"])


class ApiDeploymentResource(ApiGatewayResource):
    """``AWS::ApiGateway::Deployment``; every deployment of a stack makes a new one."""

    fixed = None

    def create(self) -> None:
        """Deploy the API to its stage."""
        made = self.backend.create_deployment(
            self.properties["RestApiId"],
            self.properties.get("StageName", ""),
            self.properties.get("Description", ""),
        )
        self.physical_resource_id = made.id

    def delete(self) -> None:
        """Delete the deployment; the stage stays with the newer one."""
        if self.api:
            self.api.deployments.pop(self.physical_resource_id, None)


class RuleResource(MotoResource):
    """``AWS::Events::Rule``; moto's cannot be deleted while it has targets."""

    model_class = Rule

    def delete(self) -> None:
        """Delete the rule with its targets."""
        backend = events_backends[self.place.account][self.place.region]
        bus = self.properties.get("EventBusName") or "default"
        targets = [target["Id"] for target in self.properties.get("Targets", [])]
        backend.remove_targets(self.physical_resource_id, bus, targets)
        super().delete()


class TopicResource(MotoResource):
    """``AWS::SNS::Topic``; moto changes one by deleting it with its subscriptions."""

    model_class = Topic
    fixed: ClassVar[frozenset[str] | None] = frozenset({"TopicName"})

    def update(self, properties: Properties) -> None:
        """Subscribe whoever is new in the template."""
        backend = sns_backends[self.place.account][self.place.region]
        for each in properties.get("Subscription", []):
            backend.subscribe(self.physical_resource_id, each["Endpoint"], each["Protocol"])


class SubscriptionResource(Resource):
    """``AWS::SNS::Subscription``, which moto lacks; its physical id is its ARN."""

    fixed = frozenset({"Endpoint", "Protocol", "TopicArn"})

    def create(self) -> None:
        """Subscribe, with a filter policy if there is one."""
        made = self._backend.subscribe(
            *(self.properties[key] for key in ("TopicArn", "Endpoint", "Protocol"))
        )
        self.physical_resource_id = made.arn
        self._set_filter(self.properties)

    def update(self, properties: Properties) -> None:
        """Change the filter policy."""
        self._set_filter(properties)

    def delete(self) -> None:
        """Unsubscribe."""
        self._backend.unsubscribe(self.physical_resource_id)

    @property
    def _backend(self) -> Any:  # noqa: ANN401 -- moto's model
        return sns_backends[self.place.account][self.place.region]

    def _set_filter(self, properties: Properties) -> None:
        for key in ("FilterPolicyScope", "FilterPolicy"):
            if key in properties:
                value = properties[key]
                text = value if isinstance(value, str) else json.dumps(value)
                self._backend.set_subscription_attributes(self.physical_resource_id, key, text)


class BucketResource(MotoResource):
    """``AWS::S3::Bucket``; moto's change fails without a name, its deletion never does."""

    model_class = FakeBucket
    fixed: ClassVar[frozenset[str] | None] = frozenset({"BucketName"})

    def update(self, properties: Properties) -> None:
        """Change encryption and tags."""
        super().update(properties | {"BucketName": self.physical_resource_id})

    def delete(self) -> None:
        """Delete the bucket, if it is empty.

        :raises BucketNotEmpty: it is not.
        """
        backend = s3_backends[self.place.account][get_partition(self.place.region)]
        if not backend.delete_bucket(self.physical_resource_id):
            raise BucketNotEmpty(bucket_name=self.physical_resource_id)


class BucketPolicyResource(Resource):
    """``AWS::S3::BucketPolicy``; kept and shown, but obeyed by nobody (see install.py)."""

    fixed = frozenset({"Bucket"})

    def create(self) -> None:
        """Put the policy; Ref gives the bucket's name."""
        self.physical_resource_id = self.properties["Bucket"]
        self._put(self.properties)

    def update(self, properties: Properties) -> None:
        """Put the new one."""
        self._put(properties)

    def delete(self) -> None:
        """Remove it."""
        self._backend.delete_bucket_policy(self.physical_resource_id)

    @property
    def _backend(self) -> Any:  # noqa: ANN401 -- moto's model
        return s3_backends[self.place.account][get_partition(self.place.region)]

    def _put(self, properties: Properties) -> None:
        text = json.dumps(properties["PolicyDocument"], default=str)
        self._backend.put_bucket_policy(self.physical_resource_id, text.encode())


KINDS: dict[str, type[Resource]] = {
    "AWS::ApiGateway::RestApi": RestApiResource,
    "AWS::ApiGateway::Resource": ApiPathResource,
    "AWS::ApiGateway::Method": MethodResource,
    "AWS::ApiGateway::Deployment": ApiDeploymentResource,
    "AWS::Events::Rule": RuleResource,
    "AWS::SNS::Topic": TopicResource,
    "AWS::SNS::Subscription": SubscriptionResource,
    "AWS::S3::Bucket": BucketResource,
    "AWS::S3::BucketPolicy": BucketPolicyResource,
}
