"""The app for tests: made once, on a database that each test gets afresh."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from hypothesis import settings

from sah import create_app
from sah.config import Settings
from sah.domain.access import RoleName
from sah.domain.steps import Patience
from sah.extensions import db
from sah.models import User
from tests.databases import Copies, make_database
from tests.factories import EMAILS, make_people
from tests.fakes import Call, FakeAws, FakeConnections
from tests.web.client import StrictClient

# A machine that is busy with something else is no reason for a test to fail.
settings.register_profile("sah", deadline=None)
settings.load_profile("sah")

# As patient as in earnest, but without waiting.
AT_ONCE = Patience(first_delay_s=0.0, switching_delay_s=0.0, switching_looks=5)

# On a busy machine an example takes as long as it takes.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

LogIn = Callable[[RoleName | None], StrictClient]


class Stage:
    """The one app of a test run, and copies of its database to go back to."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            instance=folder,
            database_url=make_database(folder),
            secret_key="not so secret",
            encryption_keys=(Fernet.generate_key().decode(),),
            log_level="error",
        )
        self._copies = Copies(self.settings.database_url)
        self.app = create_app(self.settings, connections=FakeConnections())
        self.app.config["PATIENCE"] = AT_ONCE
        context = self.app.extensions["security"].pwd_context
        context.update(argon2__time_cost=1, argon2__memory_cost=8, argon2__parallelism=1)
        self._keep("empty")
        with self.app.app_context():
            make_people()
        self._keep("people")

    def reset(self, kept: str) -> None:
        """Go back to a copy of the database, and to an AWS without anything."""
        self.close()
        self._copies.go_back_to(kept)
        self.app.extensions["sah_connections"] = FakeConnections()
        self.app.extensions["sah_rates"].clear()
        for remembered in ("sah_preflights", "sah_looked_at"):
            self.app.extensions.pop(remembered, None)

    def close(self) -> None:
        """Leave no connection to the database open."""
        with self.app.app_context():
            db.engine.dispose()

    def _keep(self, label: str) -> None:
        self.close()
        self._copies.keep(label)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a slow machine be no silent AWS; what is about that takes a ``Silence``."""
    monkeypatch.setattr("sah.services.answers.wait", lambda asked, _seconds: wait(asked, 60))


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("instance"))
    yield made
    made.reset("empty")
    made.close()


@pytest.fixture
def empty_app(stage: Stage) -> Flask:
    """The app before anybody can log in."""
    stage.reset("empty")
    return stage.app


@pytest.fixture
def app(stage: Stage) -> Flask:
    """The app with one person of each role."""
    stage.reset("people")
    return stage.app


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """The app with its context entered, for tests of services."""
    with app.app_context():
        yield app


@pytest.fixture
def connections(app: Flask) -> FakeConnections:
    made: FakeConnections = app.extensions["sah_connections"]
    return made


@pytest.fixture
def aws(app: Flask, connections: FakeConnections) -> Iterator[FakeAws]:
    """The AWS behind every account; no transaction may be open while it is called."""
    open_at: list[Call] = []

    def check(call: Call) -> None:
        if threading.current_thread().name.startswith("aws-"):
            return  # an operation's journal is written meanwhile by another thread
        with app.app_context():
            if db.engine.pool.checkedout():  # type: ignore[attr-defined]  # QueuePool has it
                open_at.append(call)

    connections.aws.hook = check
    yield connections.aws
    assert open_at == [], "a transaction was open across a call to AWS"


@pytest.fixture
def log_in(app: Flask) -> LogIn:
    """Give a client that is logged in with a role, or not at all."""

    def enter(role: RoleName | None) -> StrictClient:
        client = StrictClient(app)
        if role is not None:
            with app.app_context():
                user = db.session.execute(
                    db.select(User).filter_by(email=EMAILS[role])
                ).scalar_one()
                client.enter(user.fs_uniquifier)
        return client

    return enter


@pytest.fixture
def admin(log_in: LogIn) -> StrictClient:
    return log_in(RoleName.ADMIN)


@pytest.fixture
def operator(log_in: LogIn) -> StrictClient:
    return log_in(RoleName.OPERATOR)


@pytest.fixture
def viewer(log_in: LogIn) -> StrictClient:
    return log_in(RoleName.VIEWER)


@pytest.fixture
def anonymous(log_in: LogIn) -> StrictClient:
    return log_in(None)
