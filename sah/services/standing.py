"""What is live in a project, and what “roll back” means there when nobody says more."""

from dataclasses import dataclass

import sqlalchemy as sa

from sah.domain.deployments import choose_previous_deployment
from sah.extensions import db
from sah.models import Deployment, LivePeriod
from sah.services.live import find_newest_partly_live, list_deciding_periods


@dataclass(frozen=True, slots=True)
class Standing:
    """How a project stands: the number of the deployment that is ``live``, and the ``previous``.

    ``live`` has all of the traffic, ``previous`` had it before; each is None when SAH
    knows of none. ``is_mixed`` says that one was live and that none is now. ``unseen`` are
    the numbers of those between ``previous`` and the present one that were overtaken before
    SAH could look, the newest first: AWS keeps no history of aliases, so nobody knows
    whether they were live.
    """

    live: int | None = None
    is_mixed: bool = False
    previous: Deployment | None = None
    unseen: tuple[int, ...] = ()


def read_standing(project_id: int) -> Standing:
    """Read what is live, and what one would roll back to."""
    periods = list_deciding_periods(project_id)
    if not periods:
        return Standing()
    last = periods[-1]
    is_mixed = last.ended_at is not None
    live = None if is_mixed else last.number
    partly = find_newest_partly_live(project_id) if is_mixed else None
    number = choose_previous_deployment(periods, partly)
    if number is None:
        return Standing(live, is_mixed)
    previous, unseen = _read_previous(project_id, number, max(last.number, partly or 0))
    return Standing(live, is_mixed, previous, unseen)


def _read_previous(
    project_id: int, number: int, present: int
) -> tuple[Deployment, tuple[int, ...]]:
    """Read a deployment, and the numbers of those after it that nobody saw live."""
    unseen = sa.and_(
        Deployment.number > number,
        Deployment.number < present,
        Deployment.reconstructed.is_(True),
        Deployment.no_change.is_(False),
        Deployment.snapshot_id.is_not(None),
        ~sa.exists().where(LivePeriod.deployment_id == Deployment.id),
    )
    query = (
        sa.select(Deployment)
        .where(Deployment.project_id == project_id, unseen | (Deployment.number == number))
        .order_by(Deployment.number)
        .execution_options(populate_existing=True)
    )
    previous, *others = db.session.scalars(query)
    return previous, tuple(other.number for other in reversed(others))
