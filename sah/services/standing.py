"""What is live in a project, and what “roll back” means there when nobody says more."""

from dataclasses import dataclass

from sah.domain.deployments import choose_previous_deployment
from sah.models import Deployment
from sah.services.deployments import get_deployment
from sah.services.live import find_newest_partly_live, list_deciding_periods


@dataclass(frozen=True, slots=True)
class Standing:
    """How a project stands: the number of the deployment that is ``live``, and the ``previous``.

    ``live`` has all of the traffic, ``previous`` had it before; each is None when SAH
    knows of none. ``is_mixed`` says that one was live and that none is now.
    """

    live: int | None = None
    is_mixed: bool = False
    previous: Deployment | None = None


def read_standing(project_id: int) -> Standing:
    """Read what is live, and what one would roll back to."""
    periods = list_deciding_periods(project_id)
    if not periods:
        return Standing()
    last = periods[-1]
    is_mixed = last.ended_at is not None
    partly = find_newest_partly_live(project_id) if is_mixed else None
    number = choose_previous_deployment(periods, partly)
    return Standing(
        live=None if is_mixed else last.number,
        is_mixed=is_mixed,
        previous=None if number is None else get_deployment(project_id, number),
    )
