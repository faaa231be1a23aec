"""A scene for operations: an app, an AWS with a stack, and a project that knows it."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from sah.aws.gateway import AccountAccess, AwsGateway
from sah.config import Settings, load_settings
from sah.domain.aliases import AliasState, Routing
from sah.domain.operations import MoveOutcome, OnFailure, OperationStatus
from sah.domain.steps import Patience
from sah.extensions import db
from sah.factory import create_app
from sah.models import Account, Function, FunctionAlias, Operation, Project, PublishedVersion
from sah.services.execution import execute_operation
from sah.services.history import get_operation
from sah.services.operations import (
    OperationRequest,
    plan_project_switch,
    preflight_plan,
    run_operation,
    start_operation,
)
from sah.services.secrets import encrypt_secret
from tests.databases import make_database
from tests.fakes import FakeAws

ALIAS = "ACTIVE"
START = "2"
TARGET = "1"
OTHER = "3"

# As patient as in earnest, but without waiting.
AT_ONCE = Patience(first_delay_s=0.0, switching_delay_s=0.0, switching_looks=5)


_numbers = count(1)


class Killed(BaseException):
    """The process ends here: no handler may catch it."""


class Killer:
    """A gateway that ends the process at one call, before or after the call's effect.

    After that no other call has an effect until ``rest``: the process is dead.
    """

    def __init__(self, gateway: AwsGateway) -> None:
        self._gateway = gateway
        self._strikes: Callable[[str, str], bool] = _never
        self._after_effect = False
        self._lock = threading.Lock()
        self._dead = False

    def strike_update_of(self, victim: str, *, after_effect: bool) -> None:
        """Kill at the update of one function."""
        self._strikes = lambda call, function: (call, function) == ("update_alias", victim)
        self._after_effect, self._dead = after_effect, False

    def strike_at(self, number: int, *, after_effect: bool) -> None:
        """Kill at a call counted from now."""
        numbers = count(1)
        self._strikes = lambda _call, _function: next(numbers) == number
        self._after_effect, self._dead = after_effect, False

    def rest(self) -> None:
        """Kill no more."""
        self._strikes, self._dead = _never, False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the gateway has
        method = getattr(self._gateway, name)

        def call(subject: str, *args: object) -> object:
            with self._lock:
                if self._dead:
                    raise Killed
                self._dead = self._strikes(name, subject)
                result = None if self._dead and not self._after_effect else method(subject, *args)
                if self._dead:
                    raise Killed
                return result

        return call


def _never(_call: str, _function: str) -> bool:
    return False


class OneGateway:
    """Connections that always lead to the same gateway."""

    def __init__(self, gateway: object) -> None:
        self.gateway: Any = gateway

    def open(self, access: AccountAccess, *, urgent: bool = False) -> AwsGateway:
        del access
        assert urgent
        gateway: AwsGateway = self.gateway
        return gateway


def make_aws(names: tuple[str, ...]) -> FakeAws:
    """Make an AWS whose functions have three versions, and aliases at the second."""
    aws = FakeAws()
    aws.add_stack("any", dict.fromkeys(names, 3))
    for name in names:
        aws.set_alias(name, ALIAS, START)
    return aws


@dataclass(frozen=True)
class Ground:
    """An app on a database of its own."""

    app: Flask
    settings: Settings
    restarted: list[Flask] = field(default_factory=list)


@contextmanager
def open_ground(folder: Path) -> Iterator[Ground]:
    """Make an app in a folder for as long as the block; then close its database."""
    ground = make_ground(folder, FakeAws())
    yield ground
    with ground.app.app_context():
        db.engine.dispose()


def make_ground(folder: Path, gateway: object) -> Ground:
    """Make an app in a folder."""
    settings = replace(
        load_settings(folder, {}), database_url=make_database(folder), log_level="error"
    )
    return Ground(make_app(settings, gateway), settings)


def make_app(settings: Settings, gateway: object) -> Flask:
    """Make an app that never waits."""
    app = create_app(settings, connections=OneGateway(gateway))
    app.config.update(TESTING=True, PATIENCE=AT_ONCE)
    return app


@dataclass
class Scene:
    """One new project of an app; ``restart`` is what a new process sees."""

    ground: Ground
    gateway: Any
    functions: tuple[str, ...]
    app: Flask = field(init=False)
    project_id: int = field(init=False)
    stack_name: str = field(init=False)

    def __post_init__(self) -> None:
        self.app = self.ground.app
        self.app.extensions["sah_connections"] = OneGateway(self.gateway)
        with self.app.app_context():
            project = add_project(self.gateway, self.functions, f"shop-{next(_numbers)}")
            self.project_id, self.stack_name = project.id, project.stack_name

    def restart(self) -> None:
        """Forget all that only a process knows."""
        self.app = make_app(self.ground.settings, self.gateway)
        self.ground.restarted.append(self.app)

    def forget(self) -> None:
        """Forget what only a process knows, without the cost of a new app."""
        for key in ("sah_running", "sah_preflights"):
            self.app.extensions.pop(key, None)

    def reach(self, access: AccountAccess) -> None:
        """Let another process reach the same AWS by the account's row."""
        with self.app.app_context():
            account = db.session.get_one(Project, self.project_id).account
            account.access_kind = access.kind
            account.region = access.region
            account.access_key_id = access.access_key_id
            account.encrypted_secret = encrypt_secret(access.secret_access_key)
            account.endpoint_url = access.endpoint_url
            db.session.commit()

    def disown(self, operation_id: int) -> None:
        """Let another process take an operation that this one started."""
        with self.app.app_context():
            get_operation(operation_id).owner = ""
            db.session.commit()

    def target(self, **weights: float) -> dict[str, Routing]:
        """Aim every function at the version before."""
        return {name: Routing(TARGET, tuple(weights.items())) for name in self.functions}

    def start(
        self,
        on_failure: OnFailure = OnFailure.PUT_BACK,
        target: Mapping[str, Routing] | None = None,
        **changes: Any,  # noqa: ANN401 - the fields of a request
    ) -> int:
        """Plan, check and journal a switch."""
        target = self.target() if target is None else target
        request = self.request(target, on_failure=on_failure, **changes)
        with self.app.app_context():
            return start_operation(request).id

    def request(
        self,
        target: Mapping[str, Routing],
        **changes: Any,  # noqa: ANN401 - the fields of a request
    ) -> OperationRequest:
        """Plan and check a switch, as the page before the confirmation does."""
        with self.app.app_context():
            plan = plan_project_switch(self.project_id, target)
            preflight_plan(self.project_id, plan)
        fields: dict[str, Any] = {
            "project_id": self.project_id,
            "target": target,
            "fingerprint": plan.fingerprint,
            "reason": "bad deploy",
            "requested_by": "ada@example.org",
        }
        return OperationRequest(**(fields | changes))

    def run(self, request: OperationRequest) -> Operation:
        """Start in the background, as a page does, and wait for the end."""
        with self.app.app_context():
            operation_id = start_operation(request).id
            run_operation(operation_id)
        return wait_for_end(self, operation_id)

    def use(self, gateway: object) -> None:
        """Take another way to AWS."""
        self.gateway = gateway
        self.app.extensions["sah_connections"] = OneGateway(gateway)

    def execute(self, operation_id: int) -> Operation:
        """Carry an operation out, here and now."""
        with self.app.app_context():
            return execute_operation(operation_id)

    def switch(self, on_failure: OnFailure = OnFailure.PUT_BACK) -> Operation:
        """Start and carry out."""
        return self.execute(self.start(on_failure))

    def read(self, operation_id: int) -> Operation:
        """Read an operation with its moves from the database."""
        with self.app.app_context():
            return get_operation(operation_id)

    def live(self, function: str) -> Routing:
        """Ask AWS where an alias is."""
        state: AliasState = self.gateway.get_alias(function, ALIAS)
        return state.routing

    def check_agreement(self, operation: Operation, foreign: Mapping[str, str]) -> None:
        """Check that end state, journal, alias rows and AWS tell the same story.

        ``foreign`` are the versions that somebody else moved functions to.
        """
        states = {name: self.gateway.get_alias(name, ALIAS) for name in self.functions}
        live = {name: state.routing for name, state in states.items()}
        for move in operation.moves:
            expected = {
                MoveOutcome.MOVED: move.after,
                MoveOutcome.UNCHANGED: move.after,
                MoveOutcome.PUT_BACK: move.before,
                MoveOutcome.NOT_ATTEMPTED: move.before,
                MoveOutcome.FAILED: move.before,
                MoveOutcome.UNKNOWN: live[move.function],
            }[MoveOutcome(move.outcome)]
            if move.function in foreign and move.outcome != MoveOutcome.UNKNOWN:
                assert move.outcome in (MoveOutcome.FAILED, MoveOutcome.NOT_ATTEMPTED)
                expected = Routing(foreign[move.function])
            assert live[move.function].serves_like(expected), f"{move.function}: {move.outcome}"
            assert move.finished_at is not None
        self._check_end(operation, live)
        unknown = {m.function for m in operation.moves if m.outcome == MoveOutcome.UNKNOWN}
        self._check_rows(states, {*foreign, *unknown})

    def _check_end(self, operation: Operation, live: Mapping[str, Routing]) -> None:
        moved = [m for m in operation.moves if live[m.function].serves_like(m.after)]
        match OperationStatus(operation.status):
            case OperationStatus.SUCCEEDED:
                assert len(moved) == len(operation.moves)
                assert all(move.verified_at for move in operation.moves)
            case OperationStatus.PARTLY_MOVED:
                assert moved or any(m.outcome == MoveOutcome.UNKNOWN for m in operation.moves)
                assert operation.error
            case OperationStatus.PUT_BACK | OperationStatus.FAILED:
                assert not moved
                assert operation.error
            case unended:
                raise AssertionError(unended)
        assert operation.finished_at is not None

    def _check_rows(self, states: Mapping[str, AliasState], unseen: Collection[str]) -> None:
        with self.app.app_context():
            for row in db.session.query(Function).filter_by(project_id=self.project_id):
                (alias,) = row.aliases
                if row.name not in unseen:
                    shown = Routing(alias.version, tuple(alias.weights.items()))
                    assert shown.serves_like(states[row.name].routing)
                    assert alias.revision_id == states[row.name].revision_id


def close_operations(ground: Ground) -> None:
    """End what a test left active, so that no other test takes it up, and close its databases."""
    with ground.app.app_context():
        db.session.execute(
            sa.update(Operation)
            .where(Operation.finished_at.is_(None))
            .values(status=OperationStatus.FAILED, finished_at=datetime.now(UTC))
        )
        db.session.commit()
    while ground.restarted:
        with ground.restarted.pop().app_context():
            db.engine.dispose()


def wait_for_end(scene: Scene, operation_id: int) -> Operation:
    """Wait for the thread that carries an operation out."""
    for thread in threading.enumerate():
        if thread.name == f"operation-{operation_id}":
            thread.join()
    return scene.read(operation_id)


def add_project(gateway: AwsGateway, functions: tuple[str, ...], name: str) -> Project:
    """Store a project as a sync that just ended would."""
    account = Account(name=name, region="eu-west-1", access_kind="default_chain")
    db.session.add(account)
    db.session.flush()
    now = datetime.now(UTC)
    project = Project(
        name=name, account_id=account.id, stack_name=f"{name}-dev", alias=ALIAS, synced_at=now
    )
    db.session.add(project)
    db.session.flush()
    db.session.add_all(_function(gateway, project.id, name) for name in functions)
    db.session.commit()
    return project


def _function(gateway: AwsGateway, project_id: int, name: str) -> Function:
    state = gateway.get_alias(name, ALIAS)
    alias = FunctionAlias(
        name=ALIAS,
        version=state.routing.version,
        weights=dict(state.routing.weights),
        revision_id=state.revision_id,
    )
    return Function(
        project_id=project_id,
        name=name,
        all_versions=[_version(number) for number in (1, 2, 3)],
        aliases=[alias],
    )


def _version(number: int) -> PublishedVersion:
    return PublishedVersion(
        version=str(number),
        number=number,
        modified_at=datetime.now(UTC),
        code_sha256="",
        code_size=1,
        runtime="nodejs22.x",
        memory_size=128,
        timeout=6,
    )
