"""The baselines of the webhook's speed: bare Flask views that insert one row into SQLite.

``/rows`` does so as any view of Flask-SQLAlchemy does, which reads the row again after the
commit, for its id; ``/raw`` with ``sqlite3`` itself, on a connection that each thread keeps,
which is as quick as it can be done. A view that opens ``sqlite3`` anew each time, or reads the
id before the commit, is up to a third quicker than ``/rows``.
"""

import os
import sqlite3
import threading

import click
from flask import Flask, Response, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sah import gunicorn_conf
from sah.cli.run import address_of, listen, serve
from sah.config import load_settings


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "row"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]


db = SQLAlchemy(metadata=Base.metadata)
_local = threading.local()


def _tune(connection: sqlite3.Connection, _record: object = None) -> None:
    """Set a connection as SAH sets its own."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA busy_timeout = 10000")


def _connection(database: str) -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(database)
        _tune(_local.connection)
    connection: sqlite3.Connection = _local.connection
    return connection


def create_app() -> Flask:
    """Make the app with its one table, in the database that the environment names."""
    database = os.environ["BARE_DATABASE"]
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{database}"
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "connect", _tune)
        Base.metadata.create_all(db.engine)

    @app.post("/rows")
    def insert() -> tuple[Response, int]:
        row = Row(body=request.get_data(as_text=True))
        db.session.add(row)
        db.session.commit()
        return jsonify(id=row.id), 201

    @app.post("/raw")
    def insert_raw() -> tuple[Response, int]:
        with _connection(database) as connection:
            body = request.get_data(as_text=True)
            cursor = connection.execute("INSERT INTO row (body) VALUES (?)", [body])
        return jsonify(id=cursor.lastrowid), 201

    return app


def main() -> None:
    """Serve the views under the settings of ``sah run``, but without its jobs."""
    for hook in ("pre_fork", "post_worker_init"):
        delattr(gunicorn_conf, hook)
    listener = listen(load_settings(environ=os.environ | {"SAH_PORT": "0"}))
    click.echo(f"bare: {address_of(listener)}")
    serve(create_app(), listener)


if __name__ == "__main__":
    main()
