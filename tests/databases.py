"""The databases of tests: files of SQLite, or those of a PostgreSQL that is named to them.

Where ``TEST_DATABASE_URL`` leads to a PostgreSQL server as somebody who may make databases,
each app of a test gets one of its own there, which goes when the tests end.
"""

import atexit
import os
import shutil
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa

_SERVER = os.environ.get("TEST_DATABASE_URL")
# Nothing that SAH stores may depend on where the server thinks that it is.
_ELSEWHERE = "-c timezone=Asia/Kolkata"

ON_POSTGRES = _SERVER is not None
only_on_postgres = pytest.mark.skipif(not ON_POSTGRES, reason="is about PostgreSQL")
only_on_sqlite = pytest.mark.skipif(ON_POSTGRES, reason="is about SQLite")


def make_database(folder: Path) -> str:
    """Make an empty database for the instance in a folder, and give its URL."""
    if _SERVER is None:
        return f"sqlite:///{folder / 'sah.sqlite'}"
    name = f"sah_test_{uuid.uuid4().hex}"
    _run(f"CREATE DATABASE {name}")
    atexit.register(_run, _drop(name))
    url = sa.make_url(_SERVER).set(database=name).update_query_dict({"options": _ELSEWHERE})
    return url.render_as_string(hide_password=False)


class Copies:
    """A database, and copies of it to go back to; nobody may be connected meanwhile."""

    def __init__(self, url: str) -> None:
        self._name = sa.make_url(url).database or ""

    def keep(self, label: str) -> None:
        """Make a copy of how the database is now."""
        self._copy(self._name, f"{self._name}_{label}")

    def go_back_to(self, label: str) -> None:
        """Make the database what it was when this copy was made."""
        self._copy(f"{self._name}_{label}", self._name)

    def _copy(self, source: str, target: str) -> None:
        if _SERVER is None:
            for tail in ("-wal", "-shm"):
                Path(self._name + tail).unlink(missing_ok=True)
            shutil.copyfile(source, target)
            return
        _run(_drop(target), f"CREATE DATABASE {target} TEMPLATE {source}")
        if target != self._name:
            atexit.register(_run, _drop(target))


def read_everything(url: str) -> str:
    """Read all that a database holds: the bytes of SQLite's files, every row of PostgreSQL's."""
    made = sa.make_url(url)
    if _SERVER is None:
        files = sorted(Path(made.database or "").parent.glob("*.sqlite*"))
        return "".join(file.read_bytes().decode("latin-1") for file in files)
    engine = sa.create_engine(made)
    with engine.connect() as connection:
        tables = map(sa.table, sa.inspect(connection).get_table_names())
        rows = [connection.execute(sa.select("*").select_from(table)).all() for table in tables]
    engine.dispose()
    return repr(rows)


def _drop(name: str) -> str:
    return f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"


def _run(*statements: str) -> None:
    engine = sa.create_engine(_SERVER or "", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()
