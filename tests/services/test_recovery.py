import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from sah.domain.errors import BusyError
from sah.domain.operations import OperationStatus
from sah.extensions import db
from sah.models import Operation
from sah.services.journal import Journal
from sah.services.operations import resume_operations, run_operation
from sah.services.owners import LEASE, is_alive, this_process
from tests.fakes import FakeAws
from tests.services.scene import Ground, Scene, make_aws, wait_for_end

NAMES = tuple(f"shop-dev-{number:02}" for number in range(4))
NOW = datetime(2030, 1, 1, tzinfo=UTC)  # so late that no heartbeat of a test is old


@pytest.fixture
def aws() -> FakeAws:
    return make_aws(NAMES)


@pytest.fixture
def scene(ground: Ground, aws: FakeAws) -> Scene:
    return Scene(ground, aws, NAMES)


def own(scene: Scene, operation_id: int, owner: str, heartbeat_at: datetime | None) -> None:
    with scene.app.app_context():
        db.session.execute(
            sa.update(Operation)
            .where(Operation.id == operation_id)
            .values(owner=owner, heartbeat_at=heartbeat_at)
        )
        db.session.commit()


def ended_process() -> str:
    process = subprocess.Popen([sys.executable, "-c", ""])
    place, _, _ = this_process().rpartition("/")[0].rpartition("/")
    process.wait()
    return f"{place}/{process.pid}/1"


def test_this_process_is_alive_and_one_that_ended_is_not() -> None:
    assert is_alive(this_process(), None, NOW)
    assert not is_alive(ended_process(), NOW, NOW)


def test_a_number_that_another_process_got_is_not_the_owner() -> None:
    assert not is_alive(f"{this_process()}9", NOW, NOW)


def test_of_another_host_only_the_heartbeat_is_known() -> None:
    assert is_alive("elsewhere/boot/1/1", NOW, NOW)
    assert not is_alive("elsewhere/boot/1/1", NOW - LEASE, NOW)
    assert not is_alive("elsewhere/boot/1/1", None, NOW)
    assert not is_alive("", None, NOW)


def test_it_runs_in_the_background(scene: Scene) -> None:
    operation_id = scene.start()
    with scene.app.app_context():
        run_operation(operation_id)
    assert wait_for_end(scene, operation_id).status == OperationStatus.SUCCEEDED


def test_one_that_a_living_process_works_on_is_left_to_it(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    own(scene, operation_id, f"{this_process().rpartition('/')[0].rpartition('/')[0]}/1/0", NOW)
    own(scene, operation_id, "elsewhere/boot/1/1", NOW)
    assert resume_operations(scene.app) == []
    with pytest.raises(BusyError, match="Another process"):
        scene.execute(operation_id)
    own(scene, operation_id, "elsewhere/boot/1/1", datetime.now(UTC) - timedelta(minutes=2))
    assert resume_operations(scene.app) == [operation_id]
    assert wait_for_end(scene, operation_id).status == OperationStatus.SUCCEEDED
    assert aws.count("UpdateAlias") == len(NAMES)


def test_one_that_is_running_here_is_not_taken_up_twice(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    reached, go_on = threading.Event(), threading.Event()

    def wait(_call: object) -> None:
        reached.set()
        assert go_on.wait(60)

    aws.hook = wait
    with scene.app.app_context():
        run_operation(operation_id)
    assert reached.wait(60)
    assert resume_operations(scene.app) == []
    with pytest.raises(BusyError):
        scene.execute(operation_id)
    go_on.set()
    assert wait_for_end(scene, operation_id).status == OperationStatus.SUCCEEDED


def test_a_process_that_was_away_for_too_long_stops_writing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation_id = scene.start()
    monkeypatch.setattr("sah.services.journal.HEARTBEAT_S", 0.0)
    with scene.app.app_context():
        journal = Journal(db.session.get_one(Operation, operation_id))
        journal.commit()
        own(scene, operation_id, "elsewhere/boot/1/1", NOW)
        with pytest.raises(BusyError, match="took this operation over"):
            journal.commit()
    own(scene, operation_id, "", None)
    assert scene.execute(operation_id).status == OperationStatus.SUCCEEDED


def test_of_two_that_take_an_operation_up_one_wins(
    scene: Scene, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation_id = scene.start()
    own(scene, operation_id, "elsewhere/boot/1/1", None)

    def be_quicker(*_: object) -> bool:
        own(scene, operation_id, "another/boot/1/1", NOW)
        return False

    monkeypatch.setattr("sah.services.claims.is_alive", be_quicker)
    with pytest.raises(BusyError, match="quicker"):
        scene.execute(operation_id)
    assert scene.read(operation_id).owner == "another/boot/1/1"
    assert aws.count("UpdateAlias") == 0
    own(scene, operation_id, this_process(), None)
    assert scene.execute(operation_id).status == OperationStatus.SUCCEEDED


def test_a_process_whose_clock_stood_still_does_not_end_what_another_took_over(
    scene: Scene,
) -> None:
    operation_id = scene.start()
    with scene.app.app_context():
        journal = Journal(db.session.get_one(Operation, operation_id))
        own(scene, operation_id, "elsewhere/boot/1/1", NOW)
        with pytest.raises(BusyError, match="took this operation over"):
            journal.finish()
    assert scene.read(operation_id).finished_at is None
    own(scene, operation_id, "", None)
    assert scene.execute(operation_id).status == OperationStatus.SUCCEEDED


def test_an_operation_that_crashes_is_taken_up_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation_id = scene.start()

    def crash(_self: Journal) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Journal, "commit", crash)
        with scene.app.app_context():
            run_operation(operation_id)
        assert wait_for_end(scene, operation_id).status == OperationStatus.RUNNING
    assert resume_operations(scene.app) == [operation_id]
    scene.check_agreement(wait_for_end(scene, operation_id), {})


def test_the_name_of_a_process_is_its_own() -> None:
    assert f"/{os.getpid()}/" in this_process()
