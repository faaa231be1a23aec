"""Deployments wait until they can be read, and no longer: retries, leases, restarts."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from sah import create_app
from sah.domain.deployments import DeploymentStatus
from sah.domain.errors import AwsUnreachableError
from sah.domain.operations import OnFailure, OperationKind, OperationStatus
from sah.extensions import db
from sah.models import Deployment, Operation, Project
from sah.services.capture import MOST_TRIES, capture_due, delay_s
from tests.conftest import Stage
from tests.databases import read_everything
from tests.events import captured_events
from tests.services.story import CART, Story

PENDING, CAPTURED, FAILED = DeploymentStatus
AWAY = AwsUnreachableError("AWS is away.")


def set_tries(story: Story, number: int, tries: int) -> None:
    row = story.get(number)
    row.tries = tries
    db.session.commit()


def add_operation(story: Story) -> int:
    operation = Operation(
        project_id=story.project_id,
        project_name="shop",
        stack_name="shop",
        alias="ACTIVE",
        kind=OperationKind.SWITCH,
        status=OperationStatus.RUNNING,
        on_failure=OnFailure.PUT_BACK,
        reason="r",
        fingerprint="f",
        requested_by="kim@example.com",
    )
    db.session.add(operation)
    db.session.commit()
    return operation.id


def test_delays_grow_to_a_minute() -> None:
    assert [delay_s(tries) for tries in range(7)] == [2, 4, 8, 16, 32, 60, 60]
    assert delay_s(10**9) == 60


def test_nothing_due_asks_aws_nothing(story: Story) -> None:
    calls = len(story.aws.calls)
    assert story.run_job() == 0
    assert len(story.aws.calls) == calls


def test_the_job_captures_what_is_due(story: Story) -> None:
    story.deploy(CART)
    number = story.report()
    assert story.run_job() == 1
    assert story.get(number).status == CAPTURED
    assert story.run_job() == 0


def test_each_try_waits_longer_and_says_why(story: Story) -> None:
    story.deploy(CART)
    number = story.report()
    story.aws.fail("DescribeStacks", AWAY, times=100)
    waits = []
    for tries in range(1, 8):
        story.capture()
        row = story.get(number)
        assert (row.status, row.tries, "AWS is away" in row.error) == (PENDING, tries, True)
        assert row.next_try_at is not None
        waits.append((row.next_try_at - datetime.now(UTC)).total_seconds())
    assert waits == [2, 4, 8, 16, 32, 60, 60]
    assert story.run_job() == 0
    story.pass_time(seconds=60)
    assert story.run_job() == 1


def test_a_new_one_does_not_wait_as_long_as_the_oldest(story: Story) -> None:
    story.aws.fail("DescribeStacks", AWAY, times=100)
    old = story.report()
    set_tries(story, old, 50)
    new = story.report()
    story.capture()
    due = {n: story.get(n).next_try_at for n in (old, new)}
    now = datetime.now(UTC)
    assert due == {old: now + timedelta(minutes=1), new: now + timedelta(seconds=2)}


def test_it_is_given_up_after_a_day_and_only_that_one(story: Story) -> None:
    story.aws.fail("DescribeStacks", AWAY, times=100)
    old = story.report()
    set_tries(story, old, MOST_TRIES - 1)
    story.pass_time(days=1)
    new = story.report()
    story.capture()
    assert story.get(old).status == FAILED
    assert "AWS is away" in story.get(old).error
    assert story.get(new).status == PENDING


@pytest.mark.parametrize(("tries", "days"), [(MOST_TRIES * 2, 0), (0, 30)])
def test_tries_or_time_alone_do_not_give_up(story: Story, tries: int, days: int) -> None:
    story.aws.fail("DescribeStacks", AWAY, times=100)
    number = story.report()
    set_tries(story, number, tries)
    story.pass_time(days=days)
    story.capture()
    assert story.get(number).status == PENDING


def test_a_busy_operation_only_postpones(story: Story) -> None:
    story.deploy(CART)
    number = story.report()
    operation_id = add_operation(story)
    story.capture()
    row = story.get(number)
    assert (row.status, "is moving the aliases" in row.error) == (PENDING, True)
    operation = db.session.get_one(Operation, operation_id)
    operation.status, operation.finished_at = OperationStatus.SUCCEEDED, datetime.now(UTC)
    db.session.commit()
    story.pass_time(seconds=5)
    story.run_job()
    assert story.get(number).status == CAPTURED


def test_a_project_that_crashes_holds_up_no_other(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.deploy(CART)
    number = story.report()

    def crash(project_id: int) -> None:
        raise ZeroDivisionError(project_id)

    monkeypatch.setattr("sah.services.capture.sync_project", crash)
    with captured_events() as logs:
        assert story.run_job() == 1
    assert [entry["event"] for entry in logs] == ["capture.crashed"]
    assert story.get(number).status == PENDING


def test_what_a_process_left_half_done_is_taken_up_by_the_next(story: Story, stage: Stage) -> None:
    story.deploy(CART)
    number = story.report()
    db.session.execute(
        sa.update(Deployment)
        .where(Deployment.status == PENDING)
        .values(next_try_at=datetime.now(UTC) + timedelta(seconds=30))
    )
    db.session.commit()
    db.session.remove()
    after = create_app(stage.settings, connections=stage.app.extensions["sah_connections"])
    with after.app_context():
        assert capture_due() == 0
        story.clock.shift(timedelta(seconds=31))
        assert capture_due() == 1
        db.engine.dispose()
    assert story.get(number).status == CAPTURED
    assert story.versions(number) == "2 1 1"


def test_while_one_run_reads_the_next_keeps_off(story: Story, app: Flask) -> None:
    story.deploy(CART)
    story.report()
    check = story.aws.hook
    others: list[int] = []

    def run_again(_call: object) -> None:
        story.aws.hook = check
        with app.app_context():
            others.append(capture_due())

    story.aws.hook = run_again
    assert story.run_job() == 1
    assert others == [0]


def test_no_value_of_a_variable_is_kept_anywhere(story: Story, stage: Stage) -> None:
    secret = "kJ8-very-secret-value"
    story.aws.configure(CART, environment={"API_KEY": secret, "MODE": "on"})
    with captured_events() as logs:
        number = story.ship(CART)
        story.aws.fail("ListVersionsByFunction", AWAY, times=3)
        story.ship(CART)
    (entry,) = (e for e in story.summary(number).entries if e.function == CART)
    assert set(entry.config.environment or {}) == {"API_KEY", "MODE"}
    assert secret not in f"{entry!r} {story.get(number)!r} {logs!r}"
    assert db.session.get_one(Project, story.project_id).encrypted_salt
    stored = read_everything(stage.settings.database_url)
    assert "API_KEY" in stored
    assert secret not in stored
