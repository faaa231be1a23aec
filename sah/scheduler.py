"""The one scheduler; each job enters the app's context and calls a service."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

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
_PRUNE_EVERY_S = 24 * 60 * 60


def start_scheduler(app: Flask) -> BackgroundScheduler:
    """Start the jobs of this process: the first at once, as SAH may have been down for long.

    A run that comes late is made up for once, not as often as it was missed.
    """
    sync.allow_syncs()
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(3 * _RUNS_AT_ONCE)},
        job_defaults={"coalesce": True, "misfire_grace_time": 30},
    )
    for job in _list_jobs(app):
        scheduler.add_job(
            _in_context(app, job.run),
            "interval",
            seconds=job.every_s,
            id=job.name,
            max_instances=job.at_once,
            next_run_time=datetime.now(UTC),
        )
    scheduler.start()
    return scheduler


@dataclass(frozen=True, slots=True)
class _Job:
    """What is run every so many seconds, and how many runs of it may overlap."""

    name: str
    run: Callable[[], object]
    every_s: int
    at_once: int = 1


def _list_jobs(app: Flask) -> list[_Job]:
    return [
        _Job("sync", sync.sync_all, app.config["SYNC_INTERVAL_S"], _RUNS_AT_ONCE),
        _Job("capture", capture_due, _CAPTURE_EVERY_S, _RUNS_AT_ONCE),
        _Job("take-up", partial(resume_operations, app), _TAKE_UP_EVERY_S),
        _Job("prune", partial(prune_snapshots, app.config["KEEP_SNAPSHOTS"]), _PRUNE_EVERY_S),
    ]


def _in_context(app: Flask, run: Callable[[], object]) -> Callable[[], None]:
    def job() -> None:
        with app.app_context():
            run()

    return job


def stop_scheduler(scheduler: BackgroundScheduler) -> None:
    """Start no more jobs, and let a running sync end after the call that it is in."""
    sync.end_syncs()
    scheduler.shutdown(wait=False)
