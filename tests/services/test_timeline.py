"""The history in pages: nothing lost, nothing twice, and what changed nothing is one line."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sah.domain.deployments import DeploymentStatus
from sah.domain.errors import InvalidInputError
from sah.domain.operations import OnFailure, OperationKind, OperationStatus
from sah.extensions import db
from sah.models import Account, Deployment, Operation, Project
from sah.services.summaries import list_deployments
from sah.services.timeline import Entry, Kind, list_timeline, parse_kind
from tests.factories import make_account, make_project
from tests.queries import counted_queries
from tests.services.story import START

# What happened, one after the other: a deploy, one that changed nothing, a merged one, a move.
_DEPLOY, _NOTHING, _MERGED, _MOVE = "dnmo"
_names = count(1)
events = st.lists(st.tuples(st.sampled_from("dnmo"), st.integers(0, 1)), max_size=30)


@pytest.fixture
def account(context: Flask) -> Iterator[Account]:
    del context
    yield make_account()
    db.session.remove()


@pytest.fixture
def project(account: Account) -> Project:
    return make_project(account, "shop", synced=False)


def add_deployment(project: Project, number: int, minute: int, **facts: object) -> None:
    db.session.add(
        Deployment(
            project_id=project.id,
            number=number,
            status=DeploymentStatus.CAPTURED,
            deployed_at=START + timedelta(minutes=minute),
            **facts,
        )
    )


def add_operation(project: Project, minute: int, reason: str = "bad deploy") -> None:
    db.session.add(
        Operation(
            project_id=project.id,
            project_name=project.name,
            stack_name=project.stack_name,
            alias=project.alias,
            kind=OperationKind.ROLLBACK,
            status=OperationStatus.SUCCEEDED,
            on_failure=OnFailure.PUT_BACK,
            reason=reason,
            fingerprint="f",
            requested_by="kim@example.com",
            created_at=START + timedelta(minutes=minute),
        )
    )


def tell(story: list[tuple[str, int]]) -> Project:
    """Store what happened to a new project; each event so many minutes after the one before."""
    name = f"shop-{next(_names)}"
    project = make_project(db.session.query(Account).one(), name, synced=False)
    minute = 0
    first: int | None = None
    for number, (event, gap) in enumerate(story, start=1):
        minute += gap
        if event == _MOVE:
            add_operation(project, minute)
            continue
        merged = first if event == _MERGED else None
        add_deployment(project, number, minute, no_change=event == _NOTHING, merged_into_id=merged)
        if first is None:
            db.session.flush()
            first = db.session.scalar(sa.select(sa.func.max(Deployment.id)))
    db.session.commit()
    return project


def pages(project: Project, limit: int, **options: object) -> Iterator[tuple[Entry, ...]]:
    cursor = ""
    for _ in range(100):
        page = list_timeline(project, cursor=cursor, limit=limit, **options)  # type: ignore[arg-type]
        yield page.entries
        cursor = page.next_cursor
        if not cursor:
            return
    raise AssertionError("the pages have no end")


def rows(entries: tuple[Entry, ...]) -> list[tuple[str, int]]:
    found = []
    for entry in entries:
        found += [("deployment", d.deployment.id) for d in entry.deployments]
        found += [("operation", entry.operation.id)] if entry.operation else []
    return found


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events, st.integers(1, 7), st.sampled_from(Kind))
def test_pages_lose_nothing_and_repeat_nothing(
    account: Account, story: list[tuple[str, int]], limit: int, kind: Kind
) -> None:
    del account
    project = tell(story)
    (whole,) = pages(project, 1000, kind=kind)
    turned = [rows(page) for page in pages(project, limit, kind=kind)]
    assert [row for page in turned for row in page] == rows(whole)
    assert all(len(page) == limit for page in turned[:-1])
    kinds = [kind for kind, _ in rows(whole)]
    assert len(set(rows(whole))) == len(kinds)
    if kind is not Kind.DEPLOYMENTS:
        assert kinds.count("operation") == sum(event == _MOVE for event, _ in story)
    if kind is not Kind.OPERATIONS:
        merged = [event == _MERGED for event, _ in story if event != _MOVE]
        # The first of all can have become one with none.
        assert kinds.count("deployment") == len(merged) - sum(merged[1:])
    times = [entry.at for entry in whole]
    assert times == sorted(times, reverse=True)


@pytest.mark.usefixtures("account")
def test_what_comes_in_meanwhile_moves_no_page() -> None:
    project = tell([(_DEPLOY, 1)] * 6)
    first = list_timeline(project, limit=3)
    add_deployment(project, 7, 100)
    db.session.commit()
    second = list_timeline(project, limit=3, cursor=first.next_cursor)
    numbers = [e.deployments[0].deployment.number for e in (*first.entries, *second.entries)]
    assert numbers == [6, 5, 4, 3, 2, 1]


@pytest.mark.usefixtures("account")
def test_what_changed_nothing_is_folded_until_something_else_happens() -> None:
    project = tell([(e, 1) for e in "dnnondnn"])
    entries = list_timeline(project).entries
    assert [(len(e.deployments), e.is_collapsed) for e in entries] == [
        (2, True),
        (1, False),
        (1, True),
        (0, False),
        (2, True),
        (1, False),
    ]


@pytest.mark.usefixtures("account")
def test_a_run_that_reaches_over_a_page_is_folded_on_both() -> None:
    project = tell([(e, 1) for e in "dnnnnn"])
    found = [[len(e.deployments) for e in page] for page in pages(project, 4)]
    assert found == [[4], [1, 1]]


@pytest.mark.usefixtures("account")
def test_an_operation_at_the_moment_of_a_deploy_comes_after_it() -> None:
    project = tell([(_MOVE, 0), (_DEPLOY, 0)])
    first, second = list_timeline(project).entries
    assert first.operation is not None
    assert second.deployments


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("3f2a", [1]),
        ("MAIN", [1, 2]),
        ("kim", [2, "operation"]),
        ("#2", [2]),
        ("2", [1, 2]),
        ("100%", []),
        ("_", []),
        ("#", []),
        ("9" * 30, []),
        ("bad", ["operation"]),
    ],
)
def test_people_find_what_they_write(project: Project, search: str, found: list[int | str]) -> None:
    add_deployment(project, 1, 1, commit="3f2a1c9", branch="main")
    add_deployment(project, 2, 2, commit="aaaaaa", branch="main", author="Kim")
    add_operation(project, 0)
    db.session.commit()
    entries = list_timeline(project, search=search).entries
    shown = [e.deployments[0].deployment.number if e.deployments else "operation" for e in entries]
    assert sorted(map(str, shown)) == sorted(map(str, found))


@pytest.mark.parametrize("text", ["all", "deployments", "operations"])
def test_kinds_are_read(text: str) -> None:
    assert parse_kind(text) == text


def test_an_unknown_kind_means_all() -> None:
    assert parse_kind("nonsense") is Kind.ALL


def encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "AAAA",
        encode([]),
        encode({}),
        encode(["2026-03-01", 0]),
        encode([1, 2, 3]),
        encode(["not a time", 0, 1]),
        encode(["0001-01-01T00:00:00+23:59", 0, 1]),
        encode(["2026-03-01T00:00:00+00:00", 0, None]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
    ids=lambda cursor: cursor[:20],
)
def test_a_cursor_that_leads_nowhere_is_refused(project: Project, cursor: str) -> None:
    with pytest.raises(InvalidInputError, match="leads nowhere"):
        list_timeline(project, cursor=cursor)


@pytest.mark.usefixtures("account")
def test_a_cursor_with_a_number_that_no_row_has_leads_to_older_rows() -> None:
    project = tell([(_DEPLOY, 1)])
    at = (START + timedelta(minutes=1)).isoformat()
    found = [list_timeline(project, cursor=encode([at, 0, n])).entries for n in (10**30, -(10**30))]
    assert [len(entries) for entries in found] == [1, 0]


@pytest.mark.usefixtures("account")
def test_a_long_history_takes_as_few_queries_as_a_short_one() -> None:
    counts = []
    for length in (2, 200):
        project = tell([(_DEPLOY, 1), (_MOVE, 1)] * length)
        with counted_queries() as statements:
            list_timeline(project)
        counts.append(len(statements))
        db.session.remove()
    assert counts[0] == counts[1] <= 6


@pytest.mark.usefixtures("account")
def test_the_list_for_programs_goes_by_number() -> None:
    project = tell([(_DEPLOY, 0)] * 5)
    first = list_deployments(project, limit=2)
    rest = list_deployments(project, limit=9, before=first[-1].deployment.number)
    assert [one.deployment.number for one in (*first, *rest)] == [5, 4, 3, 2, 1]
