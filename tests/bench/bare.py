"""The baselines of the webhook's speed: bare Flask views that insert one row into SQLite.

``/opened`` is what the documentation of Flask shows: it opens ``sqlite3`` for each request.
``/orm`` is any view of Flask-SQLAlchemy: it reads the row again after the commit, for its id.
``/kept`` has a connection of ``sqlite3`` for each thread, which is as quick as it can be done.
All of them set their connections as SAH sets its own.
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
from sah.database import _set_pragmas


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "row"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]


db = SQLAlchemy(metadata=Base.metadata)
_local = threading.local()


def _connection(database: str) -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(database)
        _set_pragmas(_local.connection, None)
    connection: sqlite3.Connection = _local.connection
    return connection


def _insert(connection: sqlite3.Connection) -> tuple[Response, int]:
    body = request.get_data(as_text=True)
    with connection:
        cursor = connection.execute("INSERT INTO row (body) VALUES (?)", [body])
    return jsonify(id=cursor.lastrowid), 201


def create_app() -> Flask:
    """Make the app with its one table, in the database that the environment names."""
    database = os.environ["BARE_DATABASE"]
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{database}"
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "connect", _set_pragmas)
        Base.metadata.create_all(db.engine)

    @app.post("/opened")
    def insert_opened() -> tuple[Response, int]:
        connection = sqlite3.connect(database)
        try:
            _set_pragmas(connection, None)
            return _insert(connection)
        finally:
            connection.close()

    @app.post("/orm")
    def insert_with_orm() -> tuple[Response, int]:
        row = Row(body=request.get_data(as_text=True))
        db.session.add(row)
        db.session.commit()
        return jsonify(id=row.id), 201

    @app.post("/kept")
    def insert_kept() -> tuple[Response, int]:
        return _insert(_connection(database))

    return app


def main() -> None:
    """Serve the views under the settings of ``sah run``, but without its jobs."""
    del gunicorn_conf.post_worker_init
    listener = listen(load_settings(environ=os.environ | {"SAH_PORT": "0"}))
    click.echo(f"bare: {address_of(listener)}")
    serve(create_app(), listener)


if __name__ == "__main__":
    main()
