"""The database's engine options, and its migrations, which are applied at start."""

import fcntl
import os
from pathlib import Path
from typing import Any, TextIO

from alembic.util import CommandError
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from sah.domain.errors import ConfigError
from sah.extensions import db

MIGRATIONS = Path(__file__).with_name("migrations")


def check_database_url(url: str) -> str:
    """Check that SQLAlchemy understands the URL, has what it needs, and can serve threads.

    :raises ConfigError: it does not, has not, or cannot: a database in memory.
    """
    hint = "Give one such as sqlite:////var/lib/sah/sah.sqlite."
    try:
        parsed = make_url(url)
        dialect = parsed.get_dialect()
        dialect.import_dbapi()
        if dialect.name == "sqlite":
            _refuse_what_does_not_last(parsed, hint)
    except ImportError as error:
        raise ConfigError(
            f"SAH_DATABASE_URL needs the Python package {error.name}, which is not installed.",
            "For PostgreSQL: pip install 'serverless-alias-helper[postgres]'",
        ) from error
    except (SQLAlchemyError, ValueError) as error:
        raise ConfigError("SAH_DATABASE_URL is not the URL of a database.", hint) from error
    return url


def choose_engine_options(url: str, threads: int) -> dict[str, Any]:
    """Say how connections are kept: as many as threads answer requests.

    No thread waits for another one's. A server may have ended one meanwhile, a file does not.
    """
    return {
        "pool_size": threads,
        "max_overflow": -1,
        "pool_pre_ping": make_url(url).get_backend_name() != "sqlite",
    }


def _refuse_what_does_not_last(url: URL, hint: str) -> None:
    """Refuse SQLite's memory, and its URIs, which have ever more ways to name it.

    Nothing else that a URI can ask for is of use to SAH.
    """
    if url.database in (None, "", ":memory:") or url.query.get("mode") == "memory":
        raise ConfigError("SAH_DATABASE_URL is a database that is gone when SAH ends.", hint)
    if "uri" in url.query:
        raise ConfigError(
            "SAH_DATABASE_URL asks for an SQLite URI: that may be one that is gone when SAH ends.",
            hint,
        )


def tune_sqlite(app: Flask) -> None:
    """Set what SQLite needs for many threads on every new connection.

    :raises ConfigError: the database's file cannot be made.
    """
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _make_private(db.engine.url.database)
            event.listen(db.engine, "connect", _set_pragmas)


def _make_private(database: str | None) -> None:
    """Make the file ourselves, since SQLite would let everybody read it.

    What SQLite puts beside it gets the same mode. A file that is there already is not even
    opened: to close it would drop the locks on it that this process may hold.
    """
    if not database:
        return
    try:
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigError(
            f"SAH_DATABASE_URL: {database} cannot be opened: {error.strerror}."
        ) from error


def _set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA busy_timeout = 10000")
    cursor.close()


def apply_migrations(app: Flask) -> None:
    """Bring the database's tables up to date; of two processes at once, one waits.

    Leaves no connection behind: a server forks after this, and two processes that share one
    take each other's answers from PostgreSQL, and lose SQLite's locks.

    :raises ConfigError: the database cannot be opened or brought up to date.
    """
    with _open_lock(Path(app.config["INSTANCE"])) as handle, app.app_context():
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            upgrade(directory=str(MIGRATIONS))
        except SystemExit as error:  # Flask-Migrate has logged what Alembic said
            raise ConfigError(
                "SAH_DATABASE_URL: the database cannot be brought up to date.",
                "Was it made by a newer SAH? Start that one, or go back to a copy from before.",
            ) from error
        except (SQLAlchemyError, CommandError) as error:
            raise ConfigError(
                "SAH_DATABASE_URL: the database cannot be opened or brought up to date: "
                f"{_first_line(error)}"
            ) from error
        finally:
            db.engine.dispose()


def _open_lock(folder: Path) -> TextIO:
    try:
        return (folder / ".migrate.lock").open("w")
    except OSError as error:
        raise ConfigError(f"SAH_INSTANCE: {folder} cannot be written: {error.strerror}.") from error


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
