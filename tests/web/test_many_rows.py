"""Pages ask the database as little for much data as they do for few."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from sah.extensions import db
from sah.models import Base, FunctionAlias
from sah.services.live import track_live
from tests.bulk import fill_history, fill_projects
from tests.queries import counted_queries
from tests.web.client import StrictClient

MOST_QUERIES = 15


@pytest.fixture
def count_queries(app: Flask, viewer: StrictClient) -> Callable[[str], int]:
    """Fetch a page and count its queries; the first fetch of a client's life does not count."""
    viewer.get("/help")

    def count(path: str) -> int:
        with app.app_context(), counted_queries() as statements:
            viewer.get(path)
        assert len(statements) <= MOST_QUERIES, statements
        return len(statements)

    return count


def test_the_projects_page(app: Flask, count_queries: Callable[[str], int]) -> None:
    with app.app_context():
        fill_projects(2, functions=1)
    few = count_queries("/projects")
    with app.app_context():
        fill_projects(60, functions=3)
    assert count_queries("/projects") == few


@pytest.mark.parametrize("page", ["", "/deployments", "/deployments/2", "/deployments/2/compare"])
def test_the_pages_of_a_project(app: Flask, count_queries: Callable[[str], int], page: str) -> None:
    with app.app_context():
        small = fill_history(functions=2, deployments=20)
        large = fill_history(functions=12, deployments=150)
    few = count_queries(f"/projects/{small}{page}")
    assert count_queries(f"/projects/{large}{page}") == few


@pytest.mark.parametrize("page", ["", "/state", "/deployments"])
def test_what_a_page_reads_does_not_grow_with_the_history(
    app: Flask, viewer: StrictClient, page: str
) -> None:
    with app.app_context():
        young = fill_history(functions=4, deployments=300)
        old = fill_history(functions=4, deployments=600)
    viewer.get("/help")
    few = _count_rows(viewer, f"/projects/{young}{page}")
    assert _count_rows(viewer, f"/projects/{old}{page}") == few


def _count_rows(client: StrictClient, path: str) -> int:
    """Fetch a page and count the rows that became objects."""
    loaded: list[object] = []

    def note(row: object, _context: object) -> None:
        loaded.append(row)

    sa.event.listen(Base, "load", note, propagate=True)
    try:
        client.get(path)
    finally:
        sa.event.remove(Base, "load", note)
    return len(loaded)


def test_the_page_of_a_project_whose_stack_is_mixed(
    app: Flask, count_queries: Callable[[str], int]
) -> None:
    with app.app_context():
        mixed = fill_history(functions=3, deployments=20)
        alias = db.session.scalars(sa.select(FunctionAlias).limit(1)).one()
        alias.version = "1"
        track_live(mixed, datetime.now(UTC))
        db.session.commit()
    assert count_queries(f"/projects/{mixed}") > 0
