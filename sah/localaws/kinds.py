"""Which class stands for which CloudFormation type."""

import functools

from moto.cloudformation.parsing import get_model_map

from sah.localaws.lambda_resources import KINDS as LAMBDA_KINDS
from sah.localaws.other_resources import KINDS as OTHER_KINDS
from sah.localaws.resources import InertResource, Resource, wrap_model

# install.py adds nested stacks, which need everything that needs this module.
OWN: dict[str, type[Resource]] = {**LAMBDA_KINDS, **OTHER_KINDS}


@functools.cache
def find_kind(kind: str) -> type[Resource]:
    """Find the class for a type: our own, then moto's, then the one that does nothing."""
    if kind in OWN:
        return OWN[kind]
    model = get_model_map().get(kind)
    return wrap_model(model) if model else InertResource
