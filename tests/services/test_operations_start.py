import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sah.domain.aliases import Routing
from sah.domain.errors import (
    AwsAccessDeniedError,
    BusyError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StalePlanError,
)
from sah.domain.operations import MoveOutcome, OnFailure, OperationKind, OperationStatus
from sah.extensions import db
from sah.models import Move, Operation
from sah.services.history import get_operation, list_operations
from sah.services.operations import (
    OperationRequest,
    plan_project_switch,
    plan_rest,
    plan_undo,
    start_operation,
)
from sah.services.projects import delete_project
from tests.databases import only_on_postgres
from tests.fakes import FakeAws
from tests.services.scene import ALIAS, OTHER, START, TARGET, Ground, Scene, make_aws

NAMES = tuple(f"shop-dev-{number:02}" for number in range(4))
VICTIM = NAMES[1]


@pytest.fixture
def aws() -> FakeAws:
    return make_aws(NAMES)


@pytest.fixture
def scene(ground: Ground, aws: FakeAws) -> Scene:
    return Scene(ground, aws, NAMES)


def test_the_second_person_is_told_who_is_moving_what(scene: Scene) -> None:
    scene.start()
    with pytest.raises(BusyError, match=r"ada@example.org is moving .* \(moved 0 of 4\): “bad dep"):
        scene.start(requested_by="bob@example.org")


def test_fifty_posts_at_once_start_one_operation(scene: Scene) -> None:
    with scene.app.app_context():
        fingerprint = plan_project_switch(scene.project_id, scene.target()).fingerprint
    together = threading.Barrier(50)

    def post(number: int) -> str:
        request = OperationRequest(
            scene.project_id, scene.target(), fingerprint, "bad deploy", f"person-{number}"
        )
        together.wait()
        with scene.app.app_context():
            try:
                start_operation(request)
            except BusyError as error:
                return str(error)
        return "started"

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(post, range(50)))
    assert answers.count("started") == 1
    assert all("is moving the aliases" in answer for answer in answers if answer != "started")
    with scene.app.app_context():
        assert len(list_operations(scene.project_id)) == 1


def test_the_database_itself_lets_one_operation_run_a_project(scene: Scene) -> None:
    operation_id = scene.start()
    with scene.app.app_context():
        first = get_operation(operation_id)
        second = Operation(
            **{c.key: getattr(first, c.key) for c in Operation.__mapper__.columns if c.key != "id"}
        )
        db.session.add(second)
        with pytest.raises(IntegrityError):
            db.session.commit()
        db.session.rollback()


def test_a_plan_that_the_world_left_behind_is_refused(scene: Scene, aws: FakeAws) -> None:
    with pytest.raises(StalePlanError):
        scene.start(fingerprint="another")
    assert aws.count("UpdateAlias") == 0


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_is_asked_for(scene: Scene, reason: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        scene.start(reason=reason)
    assert caught.value.field == "reason"


def test_a_target_that_sah_does_not_know_is_refused(scene: Scene) -> None:
    with pytest.raises(InvalidInputError, match="has no version 9"):
        scene.start(target={VICTIM: Routing("9")})
    with pytest.raises(InvalidInputError, match="has no function other"):
        scene.start(target={"other": Routing("1")})
    with pytest.raises(InvalidInputError, match="Nothing would move"):
        scene.start(target={VICTIM: Routing(START)})


def test_an_undo_brings_everything_back(scene: Scene) -> None:
    first = scene.switch()
    with scene.app.app_context():
        plan = plan_undo(first.id)
    undo = scene.execute(
        scene.start(target=plan.target, kind=OperationKind.UNDO, origin_id=first.id)
    )
    assert undo.status == OperationStatus.SUCCEEDED
    assert undo.undo_of_id == first.id
    assert {scene.live(name).version for name in NAMES} == {START}
    with scene.app.app_context():
        again = plan_undo(undo.id)
    assert again.target == scene.target()


def test_an_undo_leaves_alone_what_was_moved_on(scene: Scene, aws: FakeAws) -> None:
    first = scene.switch()
    second = scene.start(target={VICTIM: Routing(START)})
    aws.set_alias(VICTIM, ALIAS, OTHER)
    assert scene.execute(second).status == OperationStatus.FAILED  # and so it was noticed
    with scene.app.app_context():
        plan = plan_undo(first.id)
    assert plan.moved_since == (VICTIM,)
    assert set(plan.target) == set(NAMES) - {VICTIM}


def test_what_moved_nothing_has_no_undo(scene: Scene, aws: FakeAws) -> None:
    aws.fail("UpdateAlias", AwsAccessDeniedError("no"), times=99)
    operation = scene.switch()
    assert operation.status == OperationStatus.FAILED
    with scene.app.app_context(), pytest.raises(ConflictError, match="nothing that is left"):
        plan_undo(operation.id)


def test_an_operation_that_runs_has_no_undo(scene: Scene) -> None:
    operation_id = scene.start()
    with scene.app.app_context():
        for plan in (plan_undo, plan_rest):
            with pytest.raises(ConflictError, match="not ended"):
                plan(operation_id)


def test_the_rest_is_moved_by_another_operation(scene: Scene, aws: FakeAws) -> None:
    aws.fail("UpdateAlias", AwsAccessDeniedError("no"), subject=VICTIM)
    first = scene.switch(OnFailure.FINISH)
    assert first.status == OperationStatus.PARTLY_MOVED
    with scene.app.app_context():
        plan = plan_rest(first.id)
    assert plan.target == {VICTIM: Routing(TARGET)}
    rest = scene.execute(
        scene.start(target=plan.target, kind=OperationKind.REST, origin_id=first.id)
    )
    assert rest.status == OperationStatus.SUCCEEDED
    assert rest.rest_of_id == first.id
    with scene.app.app_context(), pytest.raises(ConflictError, match="moved everything"):
        plan_rest(rest.id)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM operation WHERE id = :id",
        "DELETE FROM move WHERE operation_id = :id",
        "UPDATE operation SET reason = 'another' WHERE id = :id",
        "UPDATE operation SET status = 'succeeded', finished_at = NULL WHERE id = :id",
        "UPDATE move SET outcome = 'failed' WHERE operation_id = :id",
    ],
)
def test_history_cannot_be_changed(scene: Scene, statement: str) -> None:
    operation = scene.switch()
    with scene.app.app_context():
        with pytest.raises(IntegrityError, match="history of operations cannot be changed"):
            db.session.execute(sa.text(statement), {"id": operation.id})
        db.session.rollback()


@pytest.mark.parametrize("table", [Operation, Move])
def test_no_column_of_the_history_can_be_changed(
    scene: Scene, table: type[Operation] | type[Move]
) -> None:
    operation = scene.switch()
    mine = table.id if table is Operation else Move.operation_id
    # The project may be deleted, and these two lead from one row to the other.
    columns = {column.name for column in table.__table__.columns}
    for column in columns - {"id", "project_id", "operation_id"}:
        with scene.app.app_context():
            change = sa.update(table).where(mine == operation.id)
            with pytest.raises(IntegrityError, match="history of operations cannot be changed"):
                db.session.execute(change.values({column: sa.literal_column(f'"{column}"')}))
            db.session.rollback()


@only_on_postgres  # SQLite has nothing like it
@pytest.mark.parametrize("table", ["operation CASCADE", "move"])
def test_history_cannot_be_emptied(scene: Scene, table: str) -> None:
    scene.switch()
    with scene.app.app_context():
        with pytest.raises(IntegrityError, match="history of operations cannot be changed"):
            db.session.execute(sa.text(f"TRUNCATE {table}"))
        db.session.rollback()


def test_history_outlives_the_project(scene: Scene) -> None:
    operation = scene.switch()
    with scene.app.app_context():
        delete_project(scene.project_id)
    kept = scene.read(operation.id)
    assert kept.project_id is None
    assert kept.project_name.startswith("shop-")
    assert len(kept.moves) == len(NAMES)
    assert (kept.requested_by, kept.reason) == ("ada@example.org", "bad deploy")
    with scene.app.app_context(), pytest.raises(ConflictError, match="was deleted"):
        plan_undo(operation.id)


def test_an_operation_that_ended_is_not_carried_out_again(scene: Scene, aws: FakeAws) -> None:
    operation = scene.switch()
    aws.calls.clear()
    with pytest.raises(ConflictError, match="has ended"):
        scene.execute(operation.id)
    assert aws.calls == []


def test_an_operation_that_nobody_made_cannot_be_read(scene: Scene) -> None:
    with pytest.raises(NotFoundError):
        scene.read(10**9)


def test_an_operation_left_waiting_for_too_long_is_not_begun(scene: Scene, aws: FakeAws) -> None:
    operation_id = scene.start()
    with scene.app.app_context():
        get_operation(operation_id).created_at = datetime.now(UTC) - timedelta(hours=1)
        db.session.commit()
    operation = scene.execute(operation_id)
    assert operation.status == OperationStatus.FAILED
    assert {move.outcome for move in operation.moves} == {MoveOutcome.NOT_ATTEMPTED}
    assert aws.count("UpdateAlias") == 0
