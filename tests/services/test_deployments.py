"""Deployments as they are reported: at once, once, and each with a number of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask

from sah.domain.errors import InvalidInputError, NotFoundError
from sah.extensions import db
from sah.models import Deployment, Project
from sah.services import deployments
from sah.services.deployments import (
    DeploymentReport,
    get_deployment,
    parse_number,
    record_deployment,
)
from sah.services.projects import delete_project
from tests.factories import make_account, make_project
from tests.fakes import FakeAws
from tests.queries import counted_queries

_THREADS = 20


@pytest.fixture
def shops(context: Flask) -> tuple[int, int]:
    """Two projects that no sync has read."""
    del context
    account = make_account()
    one, other = (make_project(account, name, synced=False).id for name in ("shop", "bar"))
    db.session.remove()
    return one, other


def report(project_id: int, key: str = "", **facts: str) -> int:
    return record_deployment(
        project_id, DeploymentReport(**facts), reported_by="ci", idempotency_key=key
    ).number


def at_once(app: Flask, act: Callable[[int], int]) -> list[int]:
    """Do something in many threads, all at the same moment."""
    ready = Barrier(_THREADS)

    def run(place: int) -> int:
        with app.app_context():
            ready.wait(60)
            return act(place)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(run, range(_THREADS)))


def count_rows(project_id: int) -> int:
    query = sa.select(sa.func.count()).where(Deployment.project_id == project_id)
    return db.session.scalar(query) or 0


def test_numbers_count_within_the_project(shops: tuple[int, int]) -> None:
    shop, bar = shops
    assert [report(shop), report(bar), report(shop), report(shop), report(bar)] == [1, 1, 2, 3, 2]


def test_what_it_tells_is_kept(shops: tuple[int, int]) -> None:
    number = report(shops[0], commit="3f2a1c9", message="Fix\nit", command="deploy")
    found = get_deployment(shops[0], number)
    assert (found.commit, found.message, found.command) == ("3f2a1c9", "Fix\nit", "deploy")
    assert (found.reported_by, found.status, found.source) == ("ci", "pending", "webhook")
    assert found.created_at == found.deployed_at == found.next_try_at


def test_aws_is_not_asked(shops: tuple[int, int], aws: FakeAws) -> None:
    report(shops[0])
    assert aws.calls == []


@pytest.mark.parametrize("key", ["", "a key"])
def test_it_takes_one_statement(shops: tuple[int, int], key: str) -> None:
    with counted_queries() as statements:
        report(shops[0], key)
    assert len(statements) == 1


def test_many_at_once_get_a_number_each_without_a_gap(app: Flask, shops: tuple[int, int]) -> None:
    numbers = at_once(app, lambda place: report(shops[place % 2]))
    assert sorted(numbers[::2]) == sorted(numbers[1::2]) == list(range(1, 11))
    assert count_rows(shops[0]) == count_rows(shops[1]) == 10


def test_a_turn_that_does_not_end_holds_nobody_up(
    shops: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployments, "_PATIENCE_S", 0)
    with deployments._turn:
        assert [report(shops[0]), report(shops[0])] == [1, 2]
    assert not deployments._turn.locked()


def test_one_key_at_once_is_one_deployment(app: Flask, shops: tuple[int, int]) -> None:
    assert set(at_once(app, lambda _: report(shops[0], "a key"))) == {1}
    assert count_rows(shops[0]) == 1


def test_keys_and_none_at_once_do_not_mix(app: Flask, shops: tuple[int, int]) -> None:
    keys = ["", "one", "two", ""]
    numbers = at_once(app, lambda place: report(shops[0], keys[place % 4]))
    assert len(set(numbers[1::4])) == len(set(numbers[2::4])) == 1
    assert len({*numbers[0::4], *numbers[3::4]}) == 10
    assert sorted(set(numbers)) == list(range(1, 13))
    assert count_rows(shops[0]) == 12


def test_it_waits_for_no_connection_while_it_holds_one(shops: tuple[int, int]) -> None:
    """Otherwise as many requests as there are connections would wait for each other for ever."""
    held: list[int] = []

    def note(*_: object) -> None:
        held.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]

    db.session.get(Project, shops[0])
    sa.event.listen(db.engine, "checkout", note)
    try:
        report(shops[0], "a key")
    finally:
        sa.event.remove(db.engine, "checkout", note)
    assert held == [1]


def test_the_same_key_gives_the_first_again_and_says_so(shops: tuple[int, int]) -> None:
    first = record_deployment(
        shops[0], DeploymentReport(commit="a"), reported_by="ci", idempotency_key="k"
    )
    again = record_deployment(
        shops[0], DeploymentReport(commit="b"), reported_by="ci", idempotency_key="k"
    )
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.number, again.at) == (first.number, first.at)
    assert get_deployment(shops[0], first.number).commit == "a"


def test_a_key_counts_within_the_project(shops: tuple[int, int]) -> None:
    assert report(shops[0], "k") == report(shops[1], "k") == 1
    assert count_rows(shops[1]) == 1


def test_a_key_that_is_too_long_is_refused(shops: tuple[int, int]) -> None:
    assert report(shops[0], "k" * 200) == 1
    with pytest.raises(InvalidInputError, match="longer than 200 characters"):
        report(shops[0], "k" * 201)


def test_a_project_that_is_not_there_is_not_found(shops: tuple[int, int]) -> None:
    with pytest.raises(NotFoundError):
        report(max(shops) + 1)


def test_a_project_that_was_just_deleted_is_not_found_although_it_was_read(
    app: Flask, shops: tuple[int, int]
) -> None:
    kept = db.session.get(Project, shops[0])

    def delete() -> None:
        with app.app_context():
            delete_project(shops[0])

    with ThreadPoolExecutor(1) as pool:
        pool.submit(delete).result()
    with pytest.raises(NotFoundError):
        report(shops[0])
    assert kept is not None


def test_another_project_has_no_such_number(shops: tuple[int, int]) -> None:
    report(shops[0])
    with pytest.raises(NotFoundError, match="no deployment #1 of this project"):
        get_deployment(shops[1], 1)


@pytest.mark.parametrize("text", ["41", "#41", " #41 "])
def test_numbers_are_read_with_and_without_a_sign(text: str) -> None:
    assert parse_number(text) == 41
