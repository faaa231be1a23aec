"""What the driver runs by itself gives what SQLAlchemy would have given, errors too."""

import sqlite3
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from sah.domain.tokens import Scope, hash_token
from sah.extensions import db
from sah.models import ApiToken, Role
from sah.services import deployments, tokens
from sah.services.prepared import Prepared, _compile
from sah.services.tokens import NewToken, TokenDetails, create_token

NOW = datetime(2026, 11, 25, 12, 30, 15, 123456, UTC)
SELECT = sa.select(ApiToken.name, ApiToken.created_at, ApiToken.revoked_at).where(
    ApiToken.digest == sa.bindparam("wanted")
)
INSERT = sa.insert(Role.__table__).returning(Role.__table__.c.name)  # type: ignore[arg-type]


@pytest.fixture
def token(context: Flask) -> NewToken:
    """A token, and no connection in use."""
    del context
    made = create_token(TokenDetails("pipeline", Scope.READ), "tests")
    db.session.remove()
    return made


def count_in_use() -> int:
    in_use: int = db.engine.pool.checkedout()  # type: ignore[attr-defined]
    return in_use


def test_it_reads_what_sqlalchemy_reads(token: NewToken) -> None:
    values = {"wanted": hash_token(token.secret)}
    with db.engine.connect() as connection:
        expected = connection.execute(SELECT, values).one()
    assert expected.created_at.tzinfo is UTC
    assert Prepared(SELECT, values).first(values) == list(expected)
    assert Prepared(SELECT, values).first({"wanted": "another"}) is None
    assert count_in_use() == 0


@pytest.mark.usefixtures("context")
def test_what_it_writes_is_committed() -> None:
    assert Prepared(INSERT, ["name"]).first({"name": "cook"}) == ["cook"]
    assert count_in_use() == 0
    db.session.remove()
    assert db.session.scalar(sa.select(Role).where(Role.name == "cook")) is not None


@pytest.mark.usefixtures("context")
def test_what_the_database_refuses_is_an_error_of_sqlalchemy() -> None:
    prepared = Prepared(INSERT, ["name"])
    prepared.first({"name": "cook"})
    with pytest.raises(IntegrityError):
        prepared.first({"name": "cook"})
    assert count_in_use() == 0
    assert prepared.first({"name": "baker"}) == ["baker"]


@pytest.mark.usefixtures("context")
def test_a_lost_connection_is_got_over() -> None:
    lost: list[object] = []

    def lose_one(connection: sqlite3.Connection, *_: object) -> None:
        if not lost:
            lost.append(connection)
            connection.close()

    sa.event.listen(db.engine, "checkout", lose_one)
    try:
        assert Prepared(INSERT, ["name"]).first({"name": "cook"}) is not None
    finally:
        sa.event.remove(db.engine, "checkout", lose_one)
    assert lost
    assert count_in_use() == 0


def test_postgresql_gets_names_and_plain_times() -> None:
    dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
    for prepared in (deployments._INSERT, tokens._FACTS):
        values = dict.fromkeys(prepared._parameters, "x")
        times = {name: NOW for name in values if name.endswith("_at")}
        compiled = _compile(prepared._statement, prepared._parameters, dialect)
        bound = compiled.bind(values | times)
        assert values.keys() <= bound.keys()
        assert all(f"%({name})s" in compiled.sql for name in bound)
        assert [bound[name] for name in times] == [NOW.replace(tzinfo=None)] * len(times)
