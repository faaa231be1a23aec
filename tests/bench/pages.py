"""Pages over much data: how many queries they need, and how long they take."""

import statistics
import time
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from sah.config import load_settings
from sah.domain.access import RoleName
from sah.extensions import db
from sah.factory import create_app
from sah.services.people import create_user
from sah.services.projects import get_project
from sah.services.timeline import PAGE, list_timeline
from tests.bench.measured import Measured
from tests.bulk import fill_history, fill_projects
from tests.factories import PASSWORD, VIEWER
from tests.fakes import FakeConnections
from tests.queries import counted_queries
from tests.web.client import StrictClient

_MOST_QUERIES = 15
_TIMES = 9
_FAR = 4000


def measure_pages(folder: Path) -> list[Measured]:
    """Fetch the pages of large projects, and of many."""
    settings = load_settings(folder, {"SAH_LOG_LEVEL": "warning"})
    app = create_app(settings, connections=FakeConnections())
    with app.app_context():
        viewer = create_user(VIEWER, PASSWORD, RoleName.VIEWER).fs_uniquifier
        large = fill_history(functions=60, deployments=1000)
        huge = fill_history(functions=60, deployments=5000)
        fill_projects(500 - 2, functions=10)
        far = _cursor_after(huge, _FAR)
        db.session.remove()
    client = StrictClient(app)
    client.enter(viewer)
    history = f"/projects/{huge}/deployments"
    return [
        _measure(app, client.http, what, path)
        for what, path in (
            ("project page, 60 functions, 1,000 deployments", f"/projects/{large}"),
            ("project page, 60 functions, 5,000 deployments", f"/projects/{huge}"),
            ("projects page, 500 projects", "/projects"),
            ("history of 5,000 deployments, first page", history),
            (f"history of 5,000, after {_FAR:,} entries", f"{history}?cursor={far}"),
            ("history of 5,000, search", f"{history}?q=number+123"),
        )
    ]


def _measure(app: Flask, http: FlaskClient, what: str, path: str) -> Measured:
    with app.app_context(), counted_queries() as statements:
        answer = http.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    times = []
    for _ in range(_TIMES):
        begun = time.perf_counter()
        http.get(path)
        times.append(time.perf_counter() - begun)
    queries = len(statements)
    taken_ms = statistics.median(times) * 1000
    return Measured(
        what,
        f"{queries} queries, {taken_ms:.0f} ms, {len(answer.data) / 1000:.0f} kB",
        f"≤ {_MOST_QUERIES} queries",
        queries <= _MOST_QUERIES,
    )


def _cursor_after(project_id: int, entries: int) -> str:
    """Turn pages as a reader would until so many entries were seen."""
    cursor = ""
    for _ in range(entries // PAGE):
        cursor = list_timeline(get_project(project_id), cursor=cursor).next_cursor
    return cursor
