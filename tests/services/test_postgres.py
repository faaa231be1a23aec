"""What only PostgreSQL does: it refuses values, ends connections, and lets many write at once."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from sah.domain.operations import MoveOutcome, OnFailure, OperationKind, OperationStatus
from sah.domain.tokens import Scope
from sah.extensions import db
from sah.models import Function, FunctionAlias, Move, Operation, Project, User
from sah.services import seen
from sah.services.deployments import DeploymentReport, record_deployment
from sah.services.execution import execute_operation
from sah.services.tokens import TokenDetails, create_token
from tests.databases import only_on_postgres
from tests.factories import OPERATOR, make_shop
from tests.fakes import FakeAws
from tests.services.story import CART, Story
from tests.web.client import StrictClient
from tests.web.program import Program

pytestmark = only_on_postgres

_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_COUNT_WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def shop(app: Flask, aws: FakeAws) -> int:
    with app.app_context():
        return make_shop(aws).id


def test_what_is_no_text_is_refused_in_a_sentence(
    app: Flask, shop: int, operator: StrictClient
) -> None:
    page = operator.get(f"/projects/{shop}/deployments?q=%00", 422)
    assert "cannot be stored" in page.text
    assert OPERATOR in page.text
    program = Program.with_scope(app, Scope.OPERATE)
    wanted = {"functions": {"shop-cart": "2"}, "reason": "\0"}
    answer = program.post(f"/api/projects/{shop}/operations", wanted, 422)
    assert answer["error"]["code"] == "invalid"


def test_a_connection_that_the_server_ended_is_made_again(
    app: Flask, anonymous: StrictClient
) -> None:
    anonymous.get("/healthz")
    url, options = app.config["SQLALCHEMY_DATABASE_URI"], {"isolation_level": "AUTOCOMMIT"}
    other = sa.create_engine(url, **options)
    with other.connect() as connection:
        ended = connection.execute(sa.text(_END_OTHERS)).all()
    other.dispose()
    assert ended
    anonymous.get("/healthz")


def test_who_acts_fits_into_the_history(
    app: Flask, shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sah.services.operations.run_operation", execute_operation)
    with app.app_context():
        person = db.session.scalars(sa.select(User).where(User.email == OPERATOR)).one()
        person.email = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 50}.example"
        token = create_token(TokenDetails("t" * 80, Scope.OPERATE), "a test", person)
        db.session.commit()
    program = Program(app, token.secret)
    program.post(f"/api/projects/{shop}/deployments", {}, 201)
    program.post(
        f"/api/projects/{shop}/operations", {"functions": {"shop-cart": "2"}, "reason": "x"}, 202
    )


def test_many_reports_of_one_project_at_once_get_a_number_each(app: Flask, shop: int) -> None:
    def report(_number: int) -> int:
        with app.app_context():
            return record_deployment(shop, DeploymentReport(), reported_by="ci").number

    with ThreadPoolExecutor(14) as pool:
        numbers = list(pool.map(report, range(400)))
    assert sorted(numbers) == list(range(2, 402))


def test_an_operation_waits_for_a_sync_that_stores_what_it_read_before(
    story: Story, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.ship(CART)
    was_moved_since = seen._was_moved_since

    def roll_back() -> None:
        with app.app_context():
            Story(story.aws, story.clock, story.project_id).roll_back()

    other = threading.Thread(target=roll_back)

    def begin_meanwhile(target: seen.SyncTarget) -> bool:
        monkeypatch.undo()
        story.aws.hook = None
        found = was_moved_since(target)
        other.start()
        while other.is_alive() and not is_anybody_waiting(app):
            other.join(0.01)
        return found

    monkeypatch.setattr("sah.services.seen._was_moved_since", begin_meanwhile)
    story.sync()
    other.join()
    db.session.remove()
    stored = sa.select(FunctionAlias.version).join(Function).where(Function.name == CART)
    assert db.session.scalar(stored) == "1" == story.serving(CART)


def test_no_move_changes_while_its_operation_ends(app: Flask, shop: int) -> None:
    with app.app_context():
        move_id = add_running_move(shop)
        with db.engine.connect() as ending, ThreadPoolExecutor(1) as pool:
            ending.execute(sa.update(Operation).values(finished_at=datetime.now(UTC)))
            change = pool.submit(fail_move, app, move_id)
            while not change.done() and not is_anybody_waiting(app):
                wait([change], 0.01)
            ending.commit()
            error = change.exception()
        assert isinstance(error, sa.exc.IntegrityError)
        assert "history of operations cannot be changed" in str(error)
        assert db.session.get_one(Move, move_id).outcome == MoveOutcome.PENDING


def add_running_move(project_id: int) -> int:
    project = db.session.get_one(Project, project_id)
    operation = Operation(
        project_id=project_id,
        project_name=project.name,
        stack_name=project.stack_name,
        alias=project.alias,
        kind=OperationKind.SWITCH,
        status=OperationStatus.RUNNING,
        on_failure=OnFailure.PUT_BACK,
        reason="bad",
        fingerprint="f",
        requested_by=OPERATOR,
    )
    move = Move(operation=operation, function=CART, from_version="1", to_version="2")
    db.session.add_all([operation, move])
    db.session.commit()
    return move.id


def fail_move(app: Flask, move_id: int) -> None:
    with app.app_context(), db.engine.begin() as connection:
        change = sa.update(Move).where(Move.id == move_id)
        connection.execute(change.values(outcome=MoveOutcome.FAILED))


def is_anybody_waiting(app: Flask) -> bool:
    with app.app_context(), db.engine.connect() as connection:
        return bool(connection.execute(sa.text(_COUNT_WAITING)).scalar_one())
