"""A database that an earlier SAH made is brought up to date at start, and keeps what is in it."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask

from sah import create_app
from sah.config import Settings, load_settings
from sah.extensions import db
from tests.databases import make_database

# One project, and two operations on it: one has ended, one is under way.
ROWS = """
INSERT INTO account (id, name, region, access_kind, role_arn, external_id, access_key_id,
  encrypted_secret, endpoint_url, aws_account_id, revision, created_at)
VALUES (1, 'production', 'eu-west-1', 'default', '', '', '', '', '', '', 1, '2026-11-01 10:00:00');
INSERT INTO project (id, name, account_id, stack_name, alias, revision, created_at, stack_id,
  stack_status, sync_error)
VALUES (1, 'shop', 1, 'shop-dev', 'ACTIVE', 1, '2026-11-01 10:00:00', '', '', '');
INSERT INTO operation (id, project_id, project_name, stack_name, alias, kind, status, on_failure,
  reason, fingerprint, requested_by, error, created_at, finished_at)
VALUES (1, 1, 'shop', 'shop-dev', 'ACTIVE', 'switch', 'succeeded', 'put_back',
  'bad', 'f', 'ada', '', '2026-11-01 10:00:00', '2026-11-01 10:00:01'),
 (2, 1, 'shop', 'shop-dev', 'ACTIVE', 'switch', 'running', 'put_back',
  'bad', 'f', 'ada', '', '2026-11-02 10:00:00', NULL);
INSERT INTO move (id, operation_id, function, from_version, from_weights, to_version, to_weights,
  revision_id, outcome, detail)
VALUES (1, 1, 'shop-cart', '1', '{}', '2', '{}', '', 'moved', ''),
 (2, 2, 'shop-cart', '2', '{}', '3', '{}', '', 'pending', '')
"""
REFUSED = [
    "DELETE FROM operation WHERE id = 1",
    "DELETE FROM move WHERE id = 1",
    "UPDATE operation SET reason = 'good' WHERE id = 1",
    "UPDATE operation SET deployment_number = 1 WHERE id = 1",
    "UPDATE move SET outcome = 'failed' WHERE id = 1",
]
ALLOWED = [
    "UPDATE move SET outcome = 'moved' WHERE id = 2",
    "UPDATE operation SET status = 'succeeded', finished_at = created_at WHERE id = 2",
    "DELETE FROM project WHERE id = 1",
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(tmp_path, {"SAH_DATABASE_URL": make_database(tmp_path)})
    return replace(made, log_level="error")


@pytest.fixture
def upgraded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An app on a database of migration 0005 that was used."""
    with monkeypatch.context() as patch:
        patch.setattr("sah.database.upgrade", partial(flask_migrate.upgrade, revision="0005"))
        with create_app(settings).app_context():
            assert run("SELECT version_num FROM alembic_version") == [("0005",)]
            for statement in ROWS.split(";"):
                run(statement)
            db.engine.dispose()
    app = create_app(settings)
    yield app
    with app.app_context():
        db.engine.dispose()


def run(statement: str) -> list[tuple[object, ...]]:
    with db.engine.begin() as connection:
        result = connection.execute(sa.text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


def test_what_was_there_is_there(upgraded: Flask) -> None:
    with upgraded.app_context():
        assert run("SELECT id, status FROM operation ORDER BY id") == [
            (1, "succeeded"),
            (2, "running"),
        ]
        assert run("SELECT id, outcome FROM move ORDER BY id") == [(1, "moved"), (2, "pending")]


def test_the_history_is_kept_and_what_is_under_way_can_end(upgraded: Flask) -> None:
    with upgraded.app_context():
        for statement in REFUSED:
            with pytest.raises(sa.exc.IntegrityError, match="history of operations"):
                run(statement)
        for statement in ALLOWED:
            run(statement)
        assert run("SELECT id, project_id FROM operation ORDER BY id") == [(1, None), (2, None)]


def test_it_can_be_taken_back(upgraded: Flask, settings: Settings) -> None:
    with upgraded.app_context():
        directory = Path(upgraded.root_path) / "migrations"
        flask_migrate.downgrade(directory=str(directory), revision="0005")
        assert run("SELECT version_num FROM alembic_version") == [("0005",)]
        db.engine.dispose()
    with create_app(settings).app_context():
        with pytest.raises(sa.exc.IntegrityError, match="history of operations"):
            run(REFUSED[0])
        db.engine.dispose()
