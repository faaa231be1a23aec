"""Webhook, sync, capture job and operations at the same time on one database."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from sah.domain.deployments import DeploymentStatus, Liveness
from sah.domain.errors import SahError
from sah.extensions import db
from sah.models import Deployment, LivePeriod, Project
from sah.services import live, settling
from sah.services.capture import capture_due, capture_project
from sah.services.deployments import DeploymentReport, record_deployment
from sah.services.projects import ProjectDetails, update_project
from sah.services.sync import sync_project
from tests.factories import make_project, make_shop
from tests.fakes import FakeAws
from tests.services.story import CART, CHECKOUT, SEARCH, Story


@pytest.fixture
def shop(context: Flask, aws: FakeAws) -> Iterator[int]:
    """A shop that many threads look after; what they have open meanwhile is their affair."""
    del context
    project_id = make_shop(aws, {CART: 1, CHECKOUT: 1, SEARCH: 1}).id
    db.session.remove()
    aws.hook = None
    yield project_id
    db.session.remove()


def elsewhere(app: Flask, act: Callable[[], object]) -> None:
    """Do something to its end in another thread, as another request would."""

    def run() -> None:
        with app.app_context():
            act()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


def report(project_id: int, key: str) -> None:
    record_deployment(project_id, DeploymentReport(), reported_by="ci", idempotency_key=key)


def test_everything_at_once_leaves_each_report_once_and_captured(
    app: Flask, aws: FakeAws, shop: int
) -> None:
    problems: list[BaseException] = []

    def keep_at(act: Callable[[], object]) -> None:
        with app.app_context():
            for _ in range(10):
                try:
                    act()
                except SahError:
                    pass  # busy: another one is at it
                except BaseException as error:  # noqa: BLE001 - shown by the test
                    problems.append(error)
                db.session.remove()

    def send(sender: int) -> None:
        with app.app_context():
            for number in range(8):
                report(shop, f"{sender}-{number // 2}")

    jobs: list[Callable[[], object]] = [
        lambda: sync_project(shop),
        capture_due,
        lambda: capture_project(shop),
        lambda: aws.deploy("shop", [CART]),
    ]
    threads = [threading.Thread(target=keep_at, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, range(6)))
    for thread in threads:
        thread.join()
    sync_project(shop, force_full=True)
    assert problems == []
    reported = list(
        db.session.scalars(sa.select(Deployment).where(Deployment.idempotency_key.is_not(None)))
    )
    assert len(reported) == len({row.idempotency_key for row in reported}) == 24
    assert {row.status for row in reported} == {DeploymentStatus.CAPTURED}
    numbers = list(db.session.scalars(sa.select(Deployment.number).order_by(Deployment.number)))
    assert numbers == list(range(1, len(numbers) + 1))
    open_periods = sa.select(sa.func.count()).where(LivePeriod.ended_at.is_(None))
    assert db.session.scalar(open_periods) == 1


def test_an_operation_that_ends_while_a_sync_settles_leaves_one_live_period(
    story: Story, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = story.ship(CART)
    track = live.track_live
    begun = threading.Event()

    def roll_back() -> None:
        with app.app_context():
            begun.set()
            Story(story.aws, story.clock, story.project_id).roll_back()

    other = threading.Thread(target=roll_back)

    def track_meanwhile(project_id: int, *times: object) -> None:
        monkeypatch.undo()
        story.aws.hook = None
        other.start()
        begun.wait(60)
        track(project_id, *times)  # type: ignore[arg-type]

    monkeypatch.setattr("sah.services.settling.track_live", track_meanwhile)
    story.sync()
    other.join()
    assert story.lived() == [1, second, 1]
    assert story.summary(1).liveness is Liveness.LIVE


def test_a_webhook_during_a_sync_that_notices_its_deploy_becomes_one_with_it(
    story: Story, app: Flask
) -> None:
    story.deploy(CART)
    check = story.aws.hook
    numbers: list[int] = []

    def report_meanwhile(_call: object) -> None:
        story.aws.hook = check
        story.clock.shift(1)
        elsewhere(app, lambda: numbers.append(story.report()))

    story.aws.hook = report_meanwhile
    story.sync()
    assert list(story.numbers()) == [1, 2, 3]
    story.capture()
    assert {story.get(number).number for number in (2, 3)} == set(numbers)
    assert story.get(numbers[0]).changed == [CART]
    assert story.lived() == [1, numbers[0]]


def test_a_project_that_gets_another_stack_before_it_is_settled_keeps_nothing_of_the_old(
    story: Story, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.aws.add_stack("bar", {"bar-till": 1})
    story.deploy(CART)
    settle = settling.settle_deployments

    def edit_first(project_id: int, *args: object, **options: object) -> None:
        def edit() -> None:
            project = db.session.get_one(Project, project_id)
            details = ProjectDetails(project.name, project.account_id, "bar", project.alias)
            update_project(project_id, details, project.revision)

        elsewhere(app, edit)
        settle(project_id, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("sah.services.sync.settle_deployments", edit_first)
    sync_project(story.project_id, leave_rest=True)
    monkeypatch.undo()
    assert list(story.numbers()) == [1]
    story.sync()
    assert story.versions(2) == "1"
    assert story.lived() == [2]


def test_a_stack_of_five_hundred_functions_is_captured_whole(story: Story) -> None:
    story.aws.add_stack("big", {f"big-{number:03}": 1 for number in range(500)})
    big = Story(story.aws, story.clock, make_project(story.project.account, "big").id)
    story.pass_time(hours=2)
    big.aws.now = datetime.now(UTC)
    big.aws.deploy("big", [f"big-{number:03}" for number in range(0, 500, 2)])
    story.clock.move_to(big.aws.now)
    story.pass_time(seconds=5)
    number = big.report()
    big.capture()
    found = big.summary(number)
    assert (len(found.deployment.changed), len(found.entries)) == (250, 500)
    assert (found.liveness, found.ready_count) == (Liveness.LIVE, 500)
    assert big.lived() == [1, number]
