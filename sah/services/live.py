"""Keep track of which deployment has all of the traffic, and since when."""

from datetime import datetime

import sqlalchemy as sa

from sah.domain.deployments import DeploymentStatus, LivePeriodFacts
from sah.extensions import db
from sah.models import Deployment, Function, FunctionAlias, LivePeriod, Project, PublishedVersion
from sah.models.deployments import snapshot_version

# So far back is looked for a deployment that is wholly live.
_LOOK_BACK = 200


def track_live(project_id: int, at: datetime) -> None:
    """Note since when which deployment is wholly live, from the aliases as they are stored.

    Call it whenever they may have changed: after a sync and after an operation. ``at``
    is when they were seen so; of two deployments with the same snapshot the older one
    counts, since the newer changed nothing. The caller commits.
    """
    live = _find_wholly_live(project_id)
    last = _last_period(project_id)
    is_open = last is not None and last.ended_at is None
    if live is not None and last is not None and is_open and last.deployment_id == live.id:
        return
    if last is not None:
        # The clocks of AWS and of SAH may differ: periods never overlap all the same.
        at = max(at, last.ended_at or last.began_at)
        last.ended_at = last.ended_at or at
        db.session.flush()
    if live is not None:
        db.session.add(LivePeriod(project_id=project_id, deployment_id=live.id, began_at=at))


def hand_period_over(old: Deployment, new: Deployment) -> None:
    """Let the live periods of one deployment be those of another; the caller commits."""
    db.session.execute(
        sa.update(LivePeriod)
        .where(LivePeriod.deployment_id == old.id)
        .values(deployment_id=new.id)
        .execution_options(synchronize_session="fetch")
    )


def list_periods(project_id: int) -> list[LivePeriodFacts]:
    """List when which of a project's deployments had all of the traffic, the oldest first."""
    query = (
        sa.select(Deployment.number, LivePeriod.began_at, LivePeriod.ended_at)
        .join(Deployment, Deployment.id == LivePeriod.deployment_id)
        .where(LivePeriod.project_id == project_id)
        .order_by(LivePeriod.began_at, LivePeriod.id)
    )
    return [LivePeriodFacts(*row) for row in db.session.execute(query)]


def find_newest_partly_live(project_id: int) -> int | None:
    """Find the newest deployment something of which is live; give its number."""
    live = list_live_versions(project_id)
    serves = sa.exists().where(
        snapshot_version.c.snapshot_id == Deployment.snapshot_id,
        snapshot_version.c.version_id.in_(live),
    )
    query = (
        sa.select(Deployment.number)
        .where(
            Deployment.project_id == project_id,
            Deployment.merged_into_id.is_(None),
            Deployment.no_change.is_(False),
            serves,
        )
        .order_by(Deployment.number.desc())
        .limit(1)
    )
    return db.session.scalar(query)


def find_wholly_live_number(project_id: int) -> int | None:
    """Find the number of the deployment that has all of the traffic now, as last noted."""
    query = (
        sa.select(Deployment.number)
        .join(LivePeriod, LivePeriod.deployment_id == Deployment.id)
        .where(LivePeriod.project_id == project_id, LivePeriod.ended_at.is_(None))
    )
    return db.session.scalar(query)


def list_live_versions(project_id: int) -> list[int]:
    """List the ids of the versions that get all of the traffic of the project's alias."""
    query = (
        sa.select(PublishedVersion.id, FunctionAlias.weights)
        .join(Function, Function.id == PublishedVersion.function_id)
        .join(Project, Project.id == Function.project_id)
        .join(
            FunctionAlias,
            (FunctionAlias.function_id == Function.id)
            & (FunctionAlias.name == Project.alias)
            & (FunctionAlias.version == PublishedVersion.version),
        )
        .where(Project.id == project_id, Function.gone_at.is_(None))
    )
    return [row for row, weights in db.session.execute(query) if not any(weights.values())]


def _last_period(project_id: int) -> LivePeriod | None:
    return db.session.scalar(
        sa.select(LivePeriod)
        .where(LivePeriod.project_id == project_id)
        .order_by(LivePeriod.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def _find_wholly_live(project_id: int) -> Deployment | None:
    """Find the newest deployment all of whose functions serve what it published."""
    candidates = (
        sa.select(Deployment.snapshot_id)
        .where(
            Deployment.project_id == project_id,
            Deployment.snapshot_id.is_not(None),
            Deployment.merged_into_id.is_(None),
            Deployment.no_change.is_(False),
        )
        .order_by(Deployment.number.desc())
        .limit(_LOOK_BACK)
        .subquery()
    )
    served = snapshot_version.c.version_id.in_(list_live_versions(project_id))
    wholly = (
        sa.select(snapshot_version.c.snapshot_id)
        .where(snapshot_version.c.snapshot_id.in_(sa.select(candidates.c.snapshot_id)))
        .group_by(snapshot_version.c.snapshot_id)
        .having(sa.func.sum(sa.case((served, 1), else_=0)) == sa.func.count())
    )
    return db.session.scalar(
        sa.select(Deployment)
        .where(
            Deployment.project_id == project_id,
            Deployment.status == DeploymentStatus.CAPTURED,
            Deployment.merged_into_id.is_(None),
            Deployment.no_change.is_(False),
            Deployment.snapshot_id.in_(wholly),
        )
        .order_by(Deployment.number.desc())
        .limit(1)
    )
