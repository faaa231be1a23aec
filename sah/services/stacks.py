"""Look at a stack together with those nested in it: each of them may be deployed alone."""

from collections.abc import Collection
from functools import partial

from sah.aws.gateway import AwsGateway, Stack
from sah.domain.errors import AwsNotFoundError
from sah.services.answers import ask_all


def look_at_stack(gateway: AwsGateway, name: str, nested: Collection[str] = ()) -> Stack:
    """Read the state of a stack, with what happened to those nested in it counted as its own.

    A nested stack that is updated alone leaves the time of its root as it was. ``nested``
    are the ids of those that are known. It is one call without any, and while the stack
    itself is worked on, which then tells enough.

    :raises AwsNotFoundError: there is no such stack.
    """
    stack = gateway.get_stack(name)
    if not nested or stack.in_progress:
        return stack
    found = ask_all(partial(_find_stack, gateway, stack_id) for stack_id in sorted(nested))
    return stack.including(*(one for one in found if one is not None))


def _find_stack(gateway: AwsGateway, stack_id: str) -> Stack | None:
    try:
        return gateway.get_stack(stack_id)
    except AwsNotFoundError:
        return None  # deleted by hand, which must not hide the rest
