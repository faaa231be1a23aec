"""Read what a deployment put live: at every sync, so that nothing is read twice.

A webhook only writes that there was a deployment. The next sync of the project that
finds the stack at rest settles all that were reported before it began, in order.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog

from sah.aws.gateway import Stack
from sah.domain.aliases import Routing
from sah.domain.deployments import DeploymentSource, DeploymentStatus
from sah.domain.snapshots import Publication, compare_snapshots, reconstruct_snapshot
from sah.extensions import db
from sah.models import (
    Deployment,
    Function,
    FunctionAlias,
    LivePeriod,
    Project,
    PublishedVersion,
    Snapshot,
)
from sah.models.base import UtcDateTime
from sah.services.deployments import next_number
from sah.services.live import hand_period_over, lock_project, track_live
from sah.services.snapshots import keep_snapshot, newest_captured, read_snapshot, routing_of

log = structlog.get_logger(__name__)

# A webhook may come so long after the stack changed and still be of that change.
LATE_WEBHOOK = timedelta(hours=1)
# SAH's clock and that of AWS may be so far apart.
_CLOCK_SKEW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Known:
    """One function as the sync stored it; ``version_id`` is the row of ``version``."""

    function: str
    version: str
    version_id: int
    live: Routing | None


@dataclass(slots=True)
class _Published:
    """All that a project's functions ever published, as far as SAH knows; read once.

    Each with the id of the version's row, and since when the function is gone.
    """

    rows: list[tuple[Publication, int, datetime | None]]
    _moments: list[datetime] = field(init=False)
    _known: dict[int, dict[int, tuple[str, str]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        published = (one.published_at for one, _, _ in self.rows)
        self._moments = sorted([*published, *(gone for _, _, gone in self.rows if gone)])

    def until(self, at: datetime) -> dict[int, tuple[str, str]]:
        """Work out what was deployed at a time; once for all times between two changes."""
        place = bisect_right(self._moments, at)
        if place not in self._known:
            there = [row for row in self.rows if row[2] is None or row[2] > at]
            ids = {(one.function, one.version): row_id for one, row_id, _ in there}
            chosen = reconstruct_snapshot((one for one, _, _ in there), at)
            self._known[place] = {ids[pair]: pair for pair in chosen.items()}
        return self._known[place]


@dataclass(slots=True)
class _Settling:
    """What one reading of a stack says about the deployments that wait for it.

    ``latest`` is the newest one captured so far, ``served`` its versions by function.
    ``overtaken_at`` is when the first was deployed that nobody saw live: what was live
    before it may have ended then.
    """

    project: Project
    stack: Stack
    known: list[_Known]
    latest: Deployment | None
    served: dict[str, str]
    read_at: datetime
    published: _Published | None = None
    overtaken_at: datetime | None = None

    def settle(self) -> None:
        """Capture the waiting ones in order, and notice a change that nobody reported."""
        waiting = _select_waiting(self.project.id, self.read_at)
        changed_at = self.stack.changed_at
        late = list(db.session.scalars(waiting.where(Deployment.created_at < changed_at)))
        fresh = db.session.scalar(waiting.where(Deployment.created_at >= changed_at).limit(1))
        if late and fresh is None and self._is_just_late(late[-1]):
            fresh = late.pop()
        for deployment in late:
            self._capture_late(deployment)
        if fresh is not None:
            self._capture_now(fresh)
            self._repeat(fresh)
        if not self._is_recorded():
            self._notice()

    def _is_just_late(self, deployment: Deployment) -> bool:
        """Say whether only the clocks may make it look older than the stack's change.

        They do not when something new was published before that change, by AWS's own
        clock: then that is what it deployed.
        """
        changed_at = self.stack.changed_at
        return changed_at <= deployment.created_at + _CLOCK_SKEW and not any(
            one.published_at < changed_at
            and int(one.version) > int(self.served.get(one.function, "0"))
            for one, _, _ in self._read_published().rows
        )

    def _read_published(self) -> _Published:
        self.published = self.published or _Published(_list_published(self.project.id))
        return self.published

    def _repeat(self, first: Deployment) -> None:
        """Capture those that were reported after ``first`` of the same stack: they changed nothing.

        In one statement, since a pipeline that went wild may have reported thousands.
        """
        db.session.flush()
        db.session.execute(
            sa.update(Deployment)
            .where(
                Deployment.project_id == self.project.id,
                Deployment.status == DeploymentStatus.PENDING,
                Deployment.number > first.number,
                Deployment.created_at <= self.read_at,
            )
            .values(
                status=DeploymentStatus.CAPTURED,
                captured_at=first.captured_at,
                snapshot_id=first.snapshot_id,
                stack_changed_at=first.stack_changed_at,
                elsewhere=first.elsewhere,
                no_change=True,
                error="",
                next_try_at=None,
            )
            .execution_options(synchronize_session=False)
        )

    def _capture_now(self, deployment: Deployment) -> None:
        deployment.stack_changed_at = self.stack.changed_at
        if self._absorb(deployment):
            return
        deployment.elsewhere = {
            one.function: "" if one.live is None else str(one.live)
            for one in self.known
            if one.live is None or not one.live.serves_like(Routing(one.version))
        }
        self._store(deployment, {one.version_id: (one.function, one.version) for one in self.known})

    def _capture_late(self, deployment: Deployment) -> None:
        """Work out what was deployed from publishing times: the stack has changed since."""
        deployment.reconstructed = True
        self._store(deployment, self._read_published().until(deployment.created_at))
        if not deployment.no_change:
            self.overtaken_at = self.overtaken_at or deployment.deployed_at

    def _absorb(self, deployment: Deployment) -> bool:
        """Make one of a deployment that the sync noticed and its webhook that came late."""
        noticed = self.latest
        if (
            noticed is None
            or noticed.source != DeploymentSource.NOTICED
            or noticed.stack_changed_at != self.stack.changed_at
            or deployment.created_at - self.stack.changed_at > LATE_WEBHOOK
        ):
            return False
        for name in ("snapshot_id", "no_change", "changed", "added", "removed", "elsewhere"):
            setattr(deployment, name, getattr(noticed, name))
        deployment.deployed_at = noticed.deployed_at
        noticed.merged_into_id = deployment.id
        hand_period_over(noticed, deployment)
        self._finish(deployment)
        return True

    def _store(self, deployment: Deployment, versions: dict[int, tuple[str, str]]) -> None:
        after = dict(versions.values())
        changes = compare_snapshots(self.served, after)
        known = self.latest.snapshot_id if self.latest and not changes else None
        deployment.snapshot_id = known or keep_snapshot(self.project.id, versions)
        deployment.no_change = self.latest is not None and not changes
        deployment.changed = list(changes.changed)
        deployment.added = list(changes.added)
        deployment.removed = list(changes.removed)
        self.served = after
        self._finish(deployment)

    def _finish(self, deployment: Deployment) -> None:
        deployment.status = DeploymentStatus.CAPTURED
        deployment.captured_at = datetime.now(UTC)
        deployment.error = ""
        deployment.next_try_at = None
        self.latest = deployment

    def _is_recorded(self) -> bool:
        """Say whether this change is in the history; one that is older came of what is gone now.

        Such as a nested stack that somebody deleted, whose change was the last.
        """
        query = sa.select(Deployment.id).where(
            Deployment.project_id == self.project.id,
            Deployment.stack_changed_at >= self.stack.changed_at,
        )
        return db.session.scalar(query.limit(1)) is not None

    def _notice(self) -> None:
        versions = {one.version_id: (one.function, one.version) for one in self.known}
        same = self.latest is not None and dict(versions.values()) == self.served
        # A rollback of the stack itself brings back what was deployed before: no deployment.
        if not versions or (same and self.stack.was_rolled_back):
            return
        deployment = Deployment(
            project_id=self.project.id,
            number=next_number(self.project.id),
            source=DeploymentSource.NOTICED,
            deployed_at=self.stack.changed_at,
        )
        db.session.add(deployment)
        db.session.flush()
        self._capture_now(deployment)
        log.info("deployment.noticed", project=self.project.name, number=deployment.number)


def settle_deployments(
    project_id: int, stack: Stack, read_at: datetime, *, changed_meanwhile: bool = False
) -> None:
    """Capture what waits for this reading of the stack, which began at ``read_at``.

    Nothing is settled while CloudFormation is at work, when the stack ``changed_meanwhile``,
    so that what was read may be of two deploys, or when a function could not be read:
    then the deployments go on waiting.
    """
    lock_project(project_id)
    project = db.session.get(Project, project_id, populate_existing=True)
    if project is None or project.stack_id != stack.stack_id:
        db.session.rollback()  # deleted, or given another stack, after this was stored
        return
    at, seen_until = read_at, None
    if not (stack.in_progress or changed_meanwhile or _has_unread_function(project_id)):
        latest = newest_captured(project_id)
        served = read_snapshot(latest.snapshot_id) if latest and latest.snapshot_id else {}
        settling = _Settling(project, stack, _list_known(project), latest, served, read_at)
        settling.settle()
        if settling.latest is not None and settling.latest is not latest:
            at, seen_until = min(settling.latest.deployed_at, read_at), settling.overtaken_at
    db.session.flush()
    track_live(project_id, at, seen_until)
    db.session.commit()


def settle_gone_stack(project_id: int, read_at: datetime) -> None:
    """Give up on the deployments that waited for a stack that is gone; nothing is live any more."""
    lock_project(project_id)
    _fail_waiting(project_id, "AWS had no such stack when SAH looked.", read_at)
    track_live(project_id, read_at)
    db.session.commit()


def forget_snapshots(project_id: int) -> None:
    """Let go of what deployments of another stack put live; their lines stay in the history.

    The caller commits.
    """
    now = datetime.now(UTC)
    this_moment = sa.literal(now, UtcDateTime())
    _fail_waiting(project_id, "The project was given another stack before SAH could read it.", now)
    db.session.execute(
        sa.update(LivePeriod)
        .where(LivePeriod.project_id == project_id, LivePeriod.ended_at.is_(None))
        .values(
            ended_at=sa.case(
                (LivePeriod.began_at > this_moment, LivePeriod.began_at), else_=this_moment
            )
        )
    )
    db.session.execute(
        sa.update(Deployment)
        .where(Deployment.project_id == project_id, Deployment.snapshot_id.is_not(None))
        .values(
            snapshot_id=None,
            pruned_at=now,
            error="It is of another stack, which the project looked after at that time.",
        )
    )
    # Those too whose snapshot is gone already: when the other stack changed says nothing of this.
    db.session.execute(
        sa.update(Deployment)
        .where(Deployment.project_id == project_id, Deployment.stack_changed_at.is_not(None))
        .values(stack_changed_at=None)
    )
    db.session.execute(sa.delete(Snapshot).where(Snapshot.project_id == project_id))


def _fail_waiting(project_id: int, reason: str, read_at: datetime) -> None:
    db.session.execute(
        sa.update(Deployment)
        .where(
            Deployment.project_id == project_id,
            Deployment.status == DeploymentStatus.PENDING,
            Deployment.created_at <= read_at,
        )
        .values(status=DeploymentStatus.FAILED, error=reason, next_try_at=None)
    )


def _select_waiting(project_id: int, read_at: datetime) -> sa.Select[Deployment]:
    return (
        sa.select(Deployment)
        .where(
            Deployment.project_id == project_id,
            Deployment.status == DeploymentStatus.PENDING,
            Deployment.created_at <= read_at,
        )
        .order_by(Deployment.number)
        .execution_options(populate_existing=True)
    )


def _has_unread_function(project_id: int) -> bool:
    query = sa.select(Function.id).where(
        Function.project_id == project_id, Function.gone_at.is_(None), Function.sync_error != ""
    )
    return db.session.scalar(query.limit(1)) is not None


def _list_known(project: Project) -> list[_Known]:
    """List the functions whose Version resource the stack has, with what serves (aws-facts 12)."""
    query = (
        sa.select(Function.name, PublishedVersion, FunctionAlias)
        .join(
            PublishedVersion,
            (PublishedVersion.function_id == Function.id)
            & (PublishedVersion.version == Function.published_version),
        )
        .outerjoin(
            FunctionAlias,
            (FunctionAlias.function_id == Function.id) & (FunctionAlias.name == project.alias),
        )
        .where(Function.project_id == project.id, Function.gone_at.is_(None))
        .order_by(Function.name)
    )
    return [
        _Known(
            name,
            version.version,
            version.id,
            routing_of(alias),
        )
        for name, version, alias in db.session.execute(query)
    ]


def _list_published(project_id: int) -> list[tuple[Publication, int, datetime | None]]:
    """List what was published; functions without a Version resource are in no deployment.

    Nor are versions newer than the stack's own: somebody published them by hand, or
    CloudFormation did in an update that it rolled back, and left them.
    """
    query = (
        sa.select(
            Function.name,
            PublishedVersion.version,
            PublishedVersion.modified_at,
            PublishedVersion.id,
            Function.gone_at,
            PublishedVersion.number,
            Function.published_version,
        )
        .join(PublishedVersion, PublishedVersion.function_id == Function.id)
        .where(Function.project_id == project_id, Function.published_version != "")
    )
    return [
        (Publication(name, version, at), row_id, gone_at)
        for name, version, at, row_id, gone_at, number, own in db.session.execute(query)
        if gone_at or number <= int(own)
    ]
