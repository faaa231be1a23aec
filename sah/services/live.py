"""Keep track of which deployment has all of the traffic, and since when."""

from datetime import datetime

import sqlalchemy as sa

from sah.domain.deployments import DeploymentStatus, LivePeriodFacts
from sah.extensions import db
from sah.models import Deployment, Function, FunctionAlias, LivePeriod, Project, PublishedVersion
from sah.models.deployments import snapshot_version


def track_live(project_id: int, at: datetime, seen_until: datetime | None = None) -> None:
    """Note since when which deployment is wholly live, from the aliases as they are stored.

    Call it whenever they may have changed: after a sync and after an operation. ``at``
    is when they were seen so; of two deployments with the same snapshot the older one
    counts, since the newer changed nothing. ``seen_until`` is since when nobody can say
    what was live until then, where that is so. The caller commits.
    """
    lock_project(project_id)
    live = _find_wholly_live(project_id)
    last = _last_period(project_id)
    is_open = last is not None and last.ended_at is None
    if live is not None and last is not None and is_open and last.deployment_id == live.id:
        return
    if last is not None:
        # The clocks of AWS and of SAH may differ: periods never overlap all the same.
        at = max(at, last.ended_at or last.began_at)
        last.ended_at = last.ended_at or min(at, max(seen_until or at, last.began_at))
        db.session.flush()
    if live is not None:
        db.session.add(LivePeriod(project_id=project_id, deployment_id=live.id, began_at=at))


def lock_project(project_id: int) -> None:
    """Let no other writer between what is read of a project now and what is written then.

    A sync and an operation that ends may both find out what is live. Until the commit.
    """
    db.session.execute(
        sa.update(Project)
        .where(Project.id == project_id)
        .values(sync_tried_at=Project.sync_tried_at)
        .execution_options(synchronize_session=False)
    )


def hand_period_over(old: Deployment, new: Deployment) -> None:
    """Let the live periods of one deployment be those of another; the caller commits."""
    db.session.execute(
        sa.update(LivePeriod)
        .where(LivePeriod.deployment_id == old.id)
        .values(deployment_id=new.id)
        .execution_options(synchronize_session="fetch")
    )


def list_deciding_periods(project_id: int) -> list[LivePeriodFacts]:
    """List the live periods that say what to roll back to, the older one first.

    They are the last, and the last before that deployment was live for the first time
    whose number is lower: two, however many a project has. Deployments whose snapshot is
    gone, or was of another stack, are left out. In the order of their ids periods follow
    each other in time, see ``track_live``.
    """
    usable = (LivePeriod.project_id == project_id) & Deployment.snapshot_id.is_not(None)
    periods = sa.select(LivePeriod.id).join(Deployment).where(usable)
    newest_first = LivePeriod.id.desc()
    last = (
        periods.add_columns(LivePeriod.deployment_id, Deployment.number)
        .order_by(newest_first)
        .limit(1)
        .subquery()
    )
    first = sa.select(sa.func.min(LivePeriod.id)).where(
        LivePeriod.deployment_id == sa.select(last.c.deployment_id).scalar_subquery()
    )
    before = (
        periods.where(
            LivePeriod.id < first.scalar_subquery(),
            Deployment.number < sa.select(last.c.number).scalar_subquery(),
        )
        .order_by(newest_first)
        .limit(1)
    )
    query = (
        sa.select(Deployment.number, LivePeriod.began_at, LivePeriod.ended_at)
        .join(Deployment, Deployment.id == LivePeriod.deployment_id)
        .where(LivePeriod.id.in_(sa.union_all(sa.select(last.c.id), before.subquery().select())))
        .order_by(LivePeriod.id)
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
    """Find the newest deployment all of whose functions serve what it published.

    However far back it is; the database leaves each snapshot at the first version that
    is not live.
    """
    live = list_live_versions(project_id)
    if not live:
        return None
    of_it = snapshot_version.c.snapshot_id == Deployment.snapshot_id
    return db.session.scalar(
        sa.select(Deployment)
        .where(
            Deployment.project_id == project_id,
            Deployment.status == DeploymentStatus.CAPTURED,
            Deployment.merged_into_id.is_(None),
            Deployment.no_change.is_(False),
            sa.exists().where(of_it),
            ~sa.exists().where(of_it, snapshot_version.c.version_id.not_in(live)),
        )
        .order_by(Deployment.number.desc())
        .limit(1)
    )
