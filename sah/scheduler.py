"""The one scheduler; each job enters the app's context and calls a service."""

from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from sah.services import sync
from sah.services.capture import capture_due
from sah.services.retention import prune_snapshots
from sah.services.runner import resume_operations

# An account that hangs holds up one run of the sync; the next ones leave it out.
_RUNS_AT_ONCE = 4
# How often SAH looks for operations whose process died: its own before this start, at
# once, and later those of a command line.
_TAKE_UP_EVERY_S = 15
# How soon after a webhook SAH begins to read what was deployed.
_CAPTURE_EVERY_S = 1
_PRUNE_EVERY_DAYS = 1


def start_scheduler(app: Flask) -> BackgroundScheduler:
    """Start the jobs of this process: the first at once, as SAH may have been down for long.

    A run that comes late is made up for once, not as often as it was missed.
    """

    def sync_job() -> None:
        with app.app_context():
            sync.sync_all()

    def capture_job() -> None:
        with app.app_context():
            capture_due()

    def prune_job() -> None:
        with app.app_context():
            prune_snapshots(app.config["KEEP_SNAPSHOTS"])

    sync.allow_syncs()
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(3 * _RUNS_AT_ONCE)},
        job_defaults={"coalesce": True, "misfire_grace_time": 30},
    )
    scheduler.add_job(
        sync_job,
        "interval",
        seconds=app.config["SYNC_INTERVAL_S"],
        id="sync",
        max_instances=_RUNS_AT_ONCE,
        next_run_time=datetime.now(UTC),
    )
    scheduler.add_job(
        capture_job,
        "interval",
        seconds=_CAPTURE_EVERY_S,
        id="capture",
        max_instances=_RUNS_AT_ONCE,
        next_run_time=datetime.now(UTC),
    )
    scheduler.add_job(
        resume_operations,
        "interval",
        args=[app],
        seconds=_TAKE_UP_EVERY_S,
        id="take-up",
        next_run_time=datetime.now(UTC),
    )
    scheduler.add_job(
        prune_job,
        "interval",
        days=_PRUNE_EVERY_DAYS,
        id="prune",
        next_run_time=datetime.now(UTC),
    )
    scheduler.start()
    return scheduler


def stop_scheduler(scheduler: BackgroundScheduler) -> None:
    """Start no more jobs, and let a running sync end after the call that it is in."""
    sync.end_syncs()
    scheduler.shutdown(wait=False)
