"""The one scheduler; each job enters the app's context and calls a service."""

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from sah.services.sync import sync_all


def start_scheduler(app: Flask) -> BackgroundScheduler:
    """Start the jobs of this process; a late or overlapping run is skipped, not piled up."""

    def sync_job() -> None:
        with app.app_context():
            sync_all()

    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(4)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 30},
    )
    scheduler.add_job(sync_job, "interval", seconds=app.config["SYNC_INTERVAL_S"], id="sync")
    scheduler.start()
    return scheduler
