"""Stacks inside of stacks."""

from typing import Any

from moto.cloudformation.exceptions import ValidationError

from sah.localaws.resources import Properties, Resource
from sah.localaws.stack_backend import CloudFormation, Wish, find_cloudformation
from sah.localaws.stacks import LocalStack


class NestedStackResource(Resource):
    """``AWS::CloudFormation::Stack``; its physical id is the inner stack's ARN."""

    @property
    def backend(self) -> CloudFormation:
        """CloudFormation in the outer stack's account and Region."""
        return find_cloudformation(self.place.account, self.place.region)

    @property
    def stack(self) -> LocalStack:
        """The inner stack."""
        return self.backend.find_stack(self.physical_resource_id)

    def create(self) -> None:
        """Create the inner stack.

        :raises ValidationError: it failed, so the outer one fails too.
        """
        stack = self.backend.launch(self._wish(self.properties), parent_id=self.place.stack_id)
        self.physical_resource_id = stack.stack_id
        self._check("CREATE_COMPLETE")

    def update(self, properties: Properties) -> None:
        """Update the inner stack.

        :raises ValidationError: it failed, so the outer one fails too.
        """
        wish = self._wish(properties)
        self.stack.update(wish.template, None, wish.parameters)
        self._check("UPDATE_COMPLETE")

    def delete(self) -> None:
        """Delete the inner stack."""
        self.backend.delete_stack(self.physical_resource_id)

    def _wish(self, properties: Properties) -> Wish:
        text = self.backend.read_url(properties["TemplateURL"])
        given = properties.get("Parameters", {})
        values = {
            key: ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for key, value in given.items()
        }
        return Wish(self.place.make_name(), text, values)

    def _check(self, status: str) -> None:
        if self.stack.status != status:
            raise ValidationError(
                message=f"Embedded stack {self.physical_resource_id} was not successfully "
                f"deployed: {self.stack.status}"
            )

    def get_cfn_attribute(self, attribute_name: str) -> Any:  # noqa: ANN401 -- the base's
        """Answer Outputs.NAME."""
        wanted = attribute_name.removeprefix("Outputs.")
        for output in self.stack.results:
            if output.key == wanted:
                return output.value
        raise ValidationError(
            message=f"Template error: resource {self.place.logical_id} does not support attribute "
            f"type {attribute_name} in Fn::GetAtt"
        )
