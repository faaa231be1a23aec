"""Remove the snapshots that nobody will go back to any more, where a setting asks for it."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
import structlog

from sah.extensions import db
from sah.models import Deployment, Function, Project, PublishedVersion, Snapshot
from sah.models.deployments import snapshot_version
from sah.services.live import find_newest_partly_live
from sah.services.locks import claim_project
from sah.services.standing import read_standing

log = structlog.get_logger(__name__)

# A deployment that waits to be read may be worked out from versions that are gone by now;
# none waits longer than a day.
_KEEP_GONE_VERSIONS = timedelta(days=1)
_PATIENCE_S = 60.0


def prune_snapshots(keep: int) -> int:
    """Remove all but the newest snapshots of every project; say how many went.

    ``keep`` counts deployments that changed something; 0 keeps all. The lines of the
    history stay, and so do the snapshots of what is live and of what “previous” means.
    A project that is being synced for longer than a minute is left for the next time.
    """
    if not keep:
        return 0
    projects = list(db.session.scalars(sa.select(Project.id)))
    db.session.commit()
    return sum(_prune_unless_busy(project_id, keep) for project_id in projects)


def _prune_unless_busy(project_id: int, keep: int) -> int:
    with claim_project(project_id, _PATIENCE_S) as claimed:
        return _prune_project(project_id, keep) if claimed else 0


def _prune_project(project_id: int, keep: int) -> int:
    _blank_lines(project_id, _list_kept(project_id, keep))
    removed = _remove_snapshots(project_id)
    versions = _remove_versions(project_id)
    db.session.commit()
    if removed or versions:
        log.info("snapshots.pruned", project=project_id, snapshots=removed, versions=versions)
    return removed


def _list_kept(project_id: int, keep: int) -> set[int]:
    """List the ids of the snapshots that stay."""
    has_snapshot = (Deployment.project_id == project_id, Deployment.snapshot_id.is_not(None))
    newest = (
        sa.select(Deployment.snapshot_id)
        .where(*has_snapshot, Deployment.no_change.is_(False), Deployment.merged_into_id.is_(None))
        .order_by(Deployment.number.desc())
        .limit(keep)
    )
    standing = read_standing(project_id)
    needed = {standing.live, find_newest_partly_live(project_id)} - {None}
    if standing.previous is not None:
        needed.add(standing.previous.number)
    of_needed = sa.select(Deployment.snapshot_id).where(
        *has_snapshot, Deployment.number.in_(needed)
    )
    found = {*db.session.scalars(newest), *db.session.scalars(of_needed)}
    return {snapshot_id for snapshot_id in found if snapshot_id is not None}


def _blank_lines(project_id: int, kept: Collection[int]) -> None:
    db.session.execute(
        sa.update(Deployment)
        .where(
            Deployment.project_id == project_id,
            Deployment.snapshot_id.is_not(None),
            Deployment.snapshot_id.not_in(kept),
        )
        .values(snapshot_id=None, pruned_at=datetime.now(UTC))
        .execution_options(synchronize_session=False)
    )


def _remove_snapshots(project_id: int) -> int:
    is_used = sa.exists().where(Deployment.snapshot_id == Snapshot.id)
    return _delete(sa.delete(Snapshot).where(Snapshot.project_id == project_id, ~is_used))


def _remove_versions(project_id: int) -> int:
    """Remove what is known of versions that AWS does not have and no snapshot needs."""
    functions = sa.select(Function.id).where(Function.project_id == project_id)
    is_used = sa.exists().where(snapshot_version.c.version_id == PublishedVersion.id)
    return _delete(
        sa.delete(PublishedVersion).where(
            PublishedVersion.function_id.in_(functions),
            PublishedVersion.gone_at <= datetime.now(UTC) - _KEEP_GONE_VERSIONS,
            ~is_used,
        )
    )


def _delete(statement: sa.Delete) -> int:
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    return cast("sa.CursorResult[Any]", result).rowcount
