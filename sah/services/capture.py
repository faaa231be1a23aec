"""See to it that every reported deployment is captured: soon, again and again, in order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog
from flask import Flask, current_app

from sah.domain.deployments import DeploymentStatus
from sah.domain.errors import BusyError, SahError
from sah.extensions import db
from sah.models import Deployment
from sah.models.base import UtcDateTime
from sah.services.sync import SyncReport, sync_project

log = structlog.get_logger(__name__)

# A day of trying once a minute: longer than any deploy takes, or than AWS was ever away.
# Both have to be over, as SAH may have been stopped for days, or have tried more often.
MOST_TRIES = 24 * 60
_GIVE_UP_AFTER = timedelta(days=1)
_FIRST_DELAY_S = 2.0
_LONGEST_DELAY_S = 60.0
_QUICK_TRIES = 6  # after so many, the longest delay is reached
_PROJECTS_AT_ONCE = 4
_LEASE = timedelta(seconds=30)


def capture_due() -> int:
    """Sync every project with a deployment that waits to be read; say how many there were.

    Projects are read side by side, so that one whose AWS hangs does not hold up others.
    """
    query = sa.select(Deployment.project_id).where(
        Deployment.status == DeploymentStatus.PENDING, Deployment.next_try_at <= datetime.now(UTC)
    )
    due = sorted(set(db.session.scalars(query.distinct())))
    db.session.commit()
    if not due:
        return 0
    _lease(due)
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    with ThreadPoolExecutor(_PROJECTS_AT_ONCE, thread_name_prefix="capture") as pool:
        list(pool.map(lambda project_id: _capture_in_app(app, project_id), due))
    return len(due)


def capture_project(project_id: int) -> None:
    """Read a project whose deployments wait; what still waits afterwards is tried later.

    It never raises for what AWS or another sync is in the way of: the deployments say so.
    """
    started_at = datetime.now(UTC)
    try:
        reason = _reason(sync_project(project_id, leave_rest=True))
    except BusyError as error:
        _wait_for_turn(project_id, started_at, str(error))
        return
    except SahError as error:
        reason = str(error)
    _postpone(project_id, started_at, reason)


def delay_s(tries: int) -> float:
    """Say how long to wait after so many tries, in seconds: 2, 4, 8 … 60."""
    return min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(tries, 10))


def _lease(projects: list[int]) -> None:
    """Keep the next runs off these projects for a while, and no longer if this process dies."""
    now = datetime.now(UTC)
    db.session.execute(
        sa.update(Deployment)
        .where(
            Deployment.project_id.in_(projects),
            Deployment.status == DeploymentStatus.PENDING,
            Deployment.next_try_at <= now,
        )
        .values(next_try_at=now + _LEASE)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def _wait_for_turn(project_id: int, started_at: datetime, reason: str) -> None:
    """Try again soon, since nothing failed: a sync or an operation is at work on the project."""
    db.session.execute(
        sa.update(Deployment)
        .where(
            Deployment.project_id == project_id,
            Deployment.status == DeploymentStatus.PENDING,
            Deployment.created_at <= started_at,
        )
        .values(error=reason, next_try_at=datetime.now(UTC) + timedelta(seconds=_FIRST_DELAY_S))
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def _capture_in_app(app: Flask, project_id: int) -> None:
    with app.app_context():
        try:
            capture_project(project_id)
        except Exception:
            log.exception("capture.crashed", project=project_id)


def _reason(report: SyncReport) -> str:
    if report.error:
        return report.error
    if report.failed:
        return f"Could not be read: {', '.join(report.failed)}."
    return "CloudFormation is still at work on the stack."


def _postpone(project_id: int, started_at: datetime, reason: str) -> None:
    """Let what still waits be tried later, all at once: it may be thousands.

    Each waits and gives up by its own tries, so that one which was just reported does
    not share the fate of those that have waited for hours.
    """
    waits = (
        Deployment.project_id == project_id,
        Deployment.status == DeploymentStatus.PENDING,
        Deployment.created_at <= started_at,
    )
    tries = db.session.scalar(sa.select(sa.func.max(Deployment.tries)).where(*waits))
    if tries is None:
        db.session.commit()
        return
    now = datetime.now(UTC)
    gives_up = (Deployment.tries + 1 >= MOST_TRIES) & (
        Deployment.created_at <= now - _GIVE_UP_AFTER
    )
    db.session.execute(
        sa.update(Deployment)
        .where(*waits)
        .values(
            error=reason,
            tries=Deployment.tries + 1,
            next_try_at=_next_try(now),
            status=sa.case(
                (gives_up, DeploymentStatus.FAILED.value), else_=DeploymentStatus.PENDING.value
            ),
        )
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    log.info("deployments.wait", project=project_id, reason=reason, tries=tries + 1)


def _next_try(now: datetime) -> sa.Case[datetime]:
    """Say in SQL when to try each again: the first few tries come soon after each other."""

    def after(delay: float) -> sa.BindParameter[datetime]:
        return sa.literal(now + timedelta(seconds=delay), UtcDateTime())

    return sa.case(
        {tries: after(delay_s(tries)) for tries in range(_QUICK_TRIES)},
        value=Deployment.tries,
        else_=after(_LONGEST_DELAY_S),
    )
