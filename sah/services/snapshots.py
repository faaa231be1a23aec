"""Store and read what deployments published, and judge whether that can be gone back to."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sah.domain.aliases import Routing
from sah.domain.comparison import VersionConfig
from sah.domain.deployments import DeploymentStatus
from sah.domain.readiness import TargetFacts, TargetReadiness, assess_target
from sah.domain.snapshots import digest_snapshot
from sah.extensions import db
from sah.models import Deployment, Function, FunctionAlias, Project, PublishedVersion, Snapshot
from sah.models.deployments import snapshot_version

# So many of the newest deployments that changed anything are kept ready: their versions'
# state is read by the sync.
READY_DEPLOYMENTS = 20

# The versions that a rollback may go to, by function.
Targets = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class SnapshotEntry:
    """One function of a snapshot: what the deploy published, and what serves now.

    ``live`` is None where the function lacks the project's alias. ``version_id`` is the
    row of ``version``. ``gone_at`` is since when the function or its version is gone.
    """

    function: str
    version_id: int
    version: str
    live: Routing | None
    readiness: TargetReadiness
    config: VersionConfig
    gone_at: datetime | None = None

    @property
    def serves(self) -> bool:
        """Say whether the alias sends all of the traffic to this version."""
        return self.live is not None and self.live.serves_like(Routing(self.version))

    @property
    def is_blocked(self) -> bool:
        """Say whether it would have to be moved to this version and cannot be."""
        return self.readiness.blocks and not self.serves


def list_targets(project_id: int) -> Targets:
    """List the versions that the newest deployments may be rolled back to, by function."""
    newest = (
        sa.select(Deployment.snapshot_id)
        .where(
            Deployment.project_id == project_id,
            Deployment.snapshot_id.is_not(None),
            Deployment.merged_into_id.is_(None),
            Deployment.no_change.is_(False),
        )
        .order_by(Deployment.number.desc())
        .limit(READY_DEPLOYMENTS)
        .subquery()
    )
    query = (
        sa.select(Function.name, PublishedVersion.version)
        .join(PublishedVersion, PublishedVersion.function_id == Function.id)
        .join(snapshot_version, snapshot_version.c.version_id == PublishedVersion.id)
        .where(snapshot_version.c.snapshot_id.in_(sa.select(newest.c.snapshot_id)))
        .distinct()
    )
    found: dict[str, set[str]] = defaultdict(set)
    for name, version in db.session.execute(query):
        found[name].add(version)
    return {name: frozenset(versions) for name, versions in found.items()}


def keep_snapshot(project_id: int, versions: Mapping[int, tuple[str, str]]) -> int:
    """Find the project's snapshot of these versions, or make it; give its id.

    ``versions`` are name and version of each function, by the id of its version's row.
    The caller commits.
    """
    digest = digest_snapshot(dict(versions.values()))
    found = db.session.scalar(
        sa.select(Snapshot.id).where(Snapshot.project_id == project_id, Snapshot.digest == digest)
    )
    if found is not None:
        return found
    snapshot = Snapshot(project_id=project_id, digest=digest)
    db.session.add(snapshot)
    db.session.flush()
    if versions:
        rows = [{"snapshot_id": snapshot.id, "version_id": row} for row in versions]
        db.session.execute(sa.insert(snapshot_version), rows)
    return snapshot.id


def read_snapshot(snapshot_id: int) -> dict[str, str]:
    """Read which version each function had in a snapshot, by function name."""
    query = (
        sa.select(Function.name, PublishedVersion.version)
        .join(PublishedVersion, PublishedVersion.function_id == Function.id)
        .join(snapshot_version, snapshot_version.c.version_id == PublishedVersion.id)
        .where(snapshot_version.c.snapshot_id == snapshot_id)
    )
    return {row.name: row.version for row in db.session.execute(query)}


def read_entries(
    project: Project, snapshot_ids: Collection[int]
) -> dict[int, tuple[SnapshotEntry, ...]]:
    """Read snapshots with all that is known of their functions now; each list by name.

    Two queries, however many there are; what snapshots share is read once.
    """
    chosen = snapshot_version.c.snapshot_id.in_(snapshot_ids)
    query = sa.select(snapshot_version.c.snapshot_id, snapshot_version.c.version_id).where(chosen)
    members: dict[int, set[int]] = defaultdict(set)
    for snapshot_id, version_id in db.session.execute(query):
        members[snapshot_id].add(version_id)
    entries = _list_entries(project, sa.select(snapshot_version.c.version_id).where(chosen))
    return {
        snapshot_id: tuple(entry for entry in entries if entry.version_id in versions)
        for snapshot_id, versions in members.items()
    }


def config_of(row: PublishedVersion) -> VersionConfig:
    """Read what identifies a version."""
    return VersionConfig(
        version=row.version,
        code_sha256=row.code_sha256,
        runtime=row.runtime,
        handler=row.handler,
        memory_size=row.memory_size,
        timeout=row.timeout,
        layers=tuple(row.layers),
        environment=row.environment,
    )


def routing_of(alias: FunctionAlias | None) -> Routing | None:
    """Say where an alias's row sends its traffic; None where an outer join found no alias."""
    return None if alias is None else Routing(alias.version, tuple(alias.weights.items()))


def explain_missing(deployment: Deployment) -> str:
    """Say why a deployment has no snapshot."""
    if deployment.pruned_at is not None:
        return deployment.error or "Its snapshot was removed by the retention setting."
    return deployment.error or "It has not been read from AWS yet."


def newest_captured(project_id: int, *, before: int | None = None) -> Deployment | None:
    """Find the newest deployment that was captured, or the newest before a number."""
    query = (
        sa.select(Deployment)
        .where(
            Deployment.project_id == project_id,
            Deployment.status == DeploymentStatus.CAPTURED,
            Deployment.merged_into_id.is_(None),
        )
        .order_by(Deployment.number.desc())
        .limit(1)
    )
    if before is not None:
        query = query.where(Deployment.number < before)
    return db.session.scalar(query)


def _list_entries(project: Project, version_ids: sa.Select[tuple[int]]) -> list[SnapshotEntry]:
    query = (
        sa.select(Function, PublishedVersion, FunctionAlias)
        .join(PublishedVersion, PublishedVersion.function_id == Function.id)
        .outerjoin(
            FunctionAlias,
            (FunctionAlias.function_id == Function.id) & (FunctionAlias.name == project.alias),
        )
        .where(PublishedVersion.id.in_(version_ids))
        .order_by(Function.name)
    )
    return [
        _entry(project.alias, function, version, alias)
        for function, version, alias in db.session.execute(query)
    ]


def _entry(
    alias_name: str,
    function: Function,
    version: PublishedVersion,
    alias: FunctionAlias | None,
) -> SnapshotEntry:
    facts = TargetFacts(
        function=function.name,
        version=version.version,
        alias=alias_name,
        function_gone=function.gone_at is not None,
        version_gone=version.gone_at is not None,
        has_alias=alias is not None,
        state=version.state,
        reason=version.state_reason,
        reason_code=version.state_reason_code,
    )
    return SnapshotEntry(
        function=function.name,
        version_id=version.id,
        version=version.version,
        live=routing_of(alias),
        readiness=assess_target(facts),
        config=config_of(version),
        gone_at=function.gone_at or version.gone_at,
    )
