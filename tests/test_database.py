import multiprocessing
import stat
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from sah import create_app
from sah.config import Settings, load_settings
from sah.database import check_database_url
from sah.domain.errors import ConfigError
from sah.extensions import db
from sah.models import Function
from tests.databases import only_on_sqlite


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load_settings(tmp_path, {}), log_level="error")


def pragma(app: Flask, name: str) -> object:
    with app.app_context():
        return db.session.scalar(sa.text(f"PRAGMA {name}"))


def close(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()


def start(folder: Path) -> int:
    """Make the app as a process of its own does; say how many tables there are."""
    app = create_app(replace(load_settings(folder, {}), log_level="error"))
    with app.app_context():
        return len(sa.inspect(db.engine).get_table_names())


@only_on_sqlite
def test_sqlite_is_tuned_for_threads(app: Flask) -> None:
    found = {name: pragma(app, name) for name in ("journal_mode", "foreign_keys", "busy_timeout")}
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10000}


@pytest.mark.usefixtures("context")
def test_foreign_keys_are_kept() -> None:
    db.session.add(Function(project_id=99, name="orphan"))
    with pytest.raises(sa.exc.IntegrityError):
        db.session.commit()


def test_no_thread_waits_for_a_connection(settings: Settings) -> None:
    threads, jobs = 20, 12
    app = create_app(replace(settings, threads=threads))
    with app.app_context(), ExitStack() as held:
        for _ in range(threads + jobs):
            held.enter_context(db.engine.connect())
    close(app)


def test_an_app_that_was_just_made_has_no_connection_for_a_fork_to_share(
    settings: Settings,
) -> None:
    app = create_app(settings)
    with app.app_context():
        pool = db.engine.pool
        assert isinstance(pool, sa.QueuePool)
        assert (pool.checkedin(), pool.checkedout()) == (0, 0)


def test_the_database_is_its_owners_alone(settings: Settings) -> None:
    app = create_app(settings)
    with app.app_context():
        db.session.execute(sa.text("CREATE TABLE x (y)"))
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in settings.instance.glob("sah.sqlite*")
        }
    close(app)
    assert modes == dict.fromkeys(("sah.sqlite", "sah.sqlite-wal", "sah.sqlite-shm"), 0o600)


def test_a_second_app_drops_no_lock_of_the_first(settings: Settings) -> None:
    app = create_app(settings)
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE x (y)')"
    with app.app_context(), db.engine.connect() as held:
        held.execute(sa.text("SELECT * FROM project"))
        create_app(settings)
        database = settings.instance / "sah.sqlite"
        subprocess.run([sys.executable, "-c", code, str(database)], check=True)
        # Whoever finds no lock of others takes this file away when it ends.
        assert database.with_name("sah.sqlite-wal").exists()
    close(app)


def test_the_models_are_what_the_migrations_make(app: Flask) -> None:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - for this test only
    from alembic.migration import MigrationContext  # noqa: PLC0415

    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, db.metadata) == []


def test_first_starts_at_the_same_time_make_one_database(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        counts = pool.map(start, [tmp_path] * 2)
    assert len(set(counts)) == 1
    assert counts[0] > 5


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not the URL of a database"),
        ("foo://x", "not the URL of a database"),
        ("mysql://u:hunter2@h/d", "needs the Python package"),
        ("postgresql+psycopg2://u:hunter2@h/d", "needs the Python package"),
        ("sqlite://", "is gone when SAH ends"),
        ("sqlite:///:memory:", "is gone when SAH ends"),
        ("sqlite:///file:x?mode=memory&uri=true", "is gone when SAH ends"),
        ("sqlite:///file::memory:?uri=true", "is gone when SAH ends"),
        ("sqlite:///file:%3Amemory%3A?cache=shared&uri=1", "is gone when SAH ends"),
        ("sqlite:///file:?uri=true", "is gone when SAH ends"),
        ("sqlite:///file:/x?vfs=memdb&uri=true", "is gone when SAH ends"),
    ],
)
def test_a_wrong_url_names_the_setting_and_shows_no_password(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"SAH_DATABASE_URL.*{said}") as caught:
        check_database_url(url)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database_names_the_setting(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("These are my notes, and they are no database. " * 9)
    with pytest.raises(ConfigError, match=r"SAH_DATABASE_URL.*not a database"):
        create_app(replace(settings, database_url=f"sqlite:///{file}"))
    assert file.read_text().startswith("These are my notes")


def test_a_folder_that_is_not_there_names_the_setting(settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"SAH_DATABASE_URL: /nonexistent/x cannot be opened"):
        create_app(replace(settings, database_url="sqlite:////nonexistent/x"))


def test_a_database_of_a_newer_sah_names_the_setting(settings: Settings) -> None:
    app = create_app(settings)
    with app.app_context():
        db.session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        db.session.commit()
    close(app)
    with pytest.raises(ConfigError, match=r"SAH_DATABASE_URL.*made by a newer SAH"):
        create_app(settings)


def test_a_folder_that_cannot_be_written_is_named(settings: Settings) -> None:
    (settings.instance / ".migrate.lock").mkdir()  # no mode keeps root out
    with pytest.raises(ConfigError, match=r"SAH_INSTANCE: .* cannot be written"):
        create_app(settings)
