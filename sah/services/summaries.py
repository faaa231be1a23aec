"""What a list shows of deployments: live or not, how long, and whether one can go back to them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from sah.domain.aliases import Routing
from sah.domain.deployments import Liveness, LivePeriodFacts, judge_liveness, sum_active
from sah.domain.operations import OperationKind, judge_kind
from sah.extensions import db
from sah.models import Deployment, LivePeriod, Project
from sah.models.deployments import snapshot_version
from sah.services.snapshots import SnapshotEntry, read_entries


@dataclass(frozen=True, slots=True)
class DeploymentSummary:
    """One deployment as it stands now; ``entries`` are its functions, by name.

    ``liveness`` is None while it is not known what was deployed, or not any more.
    ``active_for`` is how long it had all of the traffic in all, None when SAH never saw
    that. ``is_active`` says that it has it now.
    """

    deployment: Deployment
    entries: tuple[SnapshotEntry, ...]
    liveness: Liveness | None
    active_for: timedelta | None
    is_active: bool

    @property
    def serving_count(self) -> int:
        """How many of its functions serve what it published."""
        return sum(1 for entry in self.entries if entry.serves)

    @property
    def ready_count(self) -> int:
        """How many of its functions can be moved to what it published, without a second thought."""
        return sum(1 for entry in self.entries if entry.readiness.ready)

    @property
    def problems(self) -> dict[str, str]:
        """Why functions are not ready, by name."""
        return {e.function: e.readiness.problem for e in self.entries if not e.readiness.ready}

    @property
    def blocked(self) -> dict[str, str]:
        """Why functions cannot be moved to what it published, by name."""
        return {e.function: e.readiness.problem for e in self.entries if e.is_blocked}

    @property
    def is_impossible(self) -> bool:
        """Say whether functions would have to be moved and none of them can be."""
        waiting = [entry for entry in self.entries if not entry.serves]
        return bool(waiting) and all(entry.is_blocked for entry in waiting)

    @property
    def is_ready(self) -> bool:
        """Say whether every function can go back to this deployment."""
        return bool(self.entries) and not self.problems

    @property
    def kind(self) -> OperationKind:
        """Say whether going to it, as far as one can, is a rollback or a roll forward."""
        return judge_kind(
            (entry.live, Routing(entry.version))
            for entry in self.entries
            if entry.live and not entry.serves and not entry.readiness.blocks
        )


def list_deployments(
    project: Project, *, before: int | None = None, limit: int = 50
) -> list[DeploymentSummary]:
    """List a project's deployments, newest first; those with a number below ``before``."""
    query = (
        sa.select(Deployment)
        .where(Deployment.project_id == project.id, Deployment.merged_into_id.is_(None))
        .order_by(Deployment.number.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Deployment.number < before)
    return summarise_deployments(project, list(db.session.scalars(query)))


def summarise_deployments(
    project: Project, deployments: Sequence[Deployment]
) -> list[DeploymentSummary]:
    """Say how deployments of a project stand now.

    Two queries, however many they are, and one more when the stack is mixed.
    """
    now = datetime.now(UTC)
    entries = read_entries(project, {d.snapshot_id for d in deployments if d.snapshot_id})
    periods, live = _list_periods(project.id, {d.id for d in deployments})
    newest = {} if live else _list_newest(project.id, deployments, entries.values())
    return [
        _Judge(now, live, newest).summarise(
            d, entries.get(d.snapshot_id or 0, ()), periods.get(d.id, [])
        )
        for d in deployments
    ]


@dataclass(frozen=True, slots=True)
class _Judge:
    """Judges deployments at one moment; ``live`` is the number of the one that is wholly live.

    ``newest`` says which deployment is the newest that has a version, by the version's id.
    """

    now: datetime
    live: int | None
    newest: Mapping[int, int]

    def summarise(
        self,
        deployment: Deployment,
        entries: tuple[SnapshotEntry, ...],
        periods: list[LivePeriodFacts],
    ) -> DeploymentSummary:
        liveness = judge_liveness(
            serving=[entry.function for entry in entries if entry.serves],
            expected=[entry.function for entry in entries],
            own=self._list_own(deployment, entries),
            superseded=self.live is not None and self.live > deployment.number,
        )
        return DeploymentSummary(
            deployment,
            entries,
            liveness if entries else None,
            sum_active(periods, self.now),
            is_active=any(period.ended_at is None for period in periods),
        )

    def _list_own(self, deployment: Deployment, entries: tuple[SnapshotEntry, ...]) -> list[str]:
        if self.live is not None:
            return [*deployment.changed, *deployment.added]
        number = deployment.number
        return [e.function for e in entries if self.newest.get(e.version_id, number) == number]


def _list_newest(
    project_id: int,
    deployments: Sequence[Deployment],
    snapshots: Iterable[tuple[SnapshotEntry, ...]],
) -> dict[int, int]:
    """Find the newest deployment that has a version, for those versions that serve."""
    serving = {entry.version_id for entries in snapshots for entry in entries if entry.serves}
    if not serving:
        return {}
    query = (
        sa.select(snapshot_version.c.version_id, sa.func.max(Deployment.number).label("newest"))
        .join(Deployment, Deployment.snapshot_id == snapshot_version.c.snapshot_id)
        .where(
            Deployment.project_id == project_id,
            Deployment.number >= min(deployment.number for deployment in deployments),
            Deployment.merged_into_id.is_(None),
            snapshot_version.c.version_id.in_(serving),
        )
        .group_by(snapshot_version.c.version_id)
    )
    return {row.version_id: row.newest for row in db.session.execute(query)}


def _list_periods(
    project_id: int, deployment_ids: Collection[int]
) -> tuple[dict[int, list[LivePeriodFacts]], int | None]:
    """List the live periods by deployment, and give the number of the one that is wholly live."""
    query = sa.select(
        LivePeriod.deployment_id, Deployment.number, LivePeriod.began_at, LivePeriod.ended_at
    ).join(Deployment, Deployment.id == LivePeriod.deployment_id)
    found: dict[int, list[LivePeriodFacts]] = defaultdict(list)
    live = None
    is_open = (LivePeriod.project_id == project_id) & LivePeriod.ended_at.is_(None)
    of_these = LivePeriod.deployment_id.in_(deployment_ids)
    for row in db.session.execute(query.where(is_open | of_these)):
        found[row.deployment_id].append(LivePeriodFacts(row.number, row.began_at, row.ended_at))
        live = row.number if row.ended_at is None else live
    return found, live
