"""The few statements that run so often that the way to the database counts, see ADR 44."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.dml import ReturningInsert

from sah.extensions import db

_Statement = sa.Select[*tuple[Any, ...]] | ReturningInsert[*tuple[Any, ...]]
_Convert = Callable[[Any], Any]


class Prepared:
    """A statement that is compiled once, and then run by the database's driver itself.

    What SQLAlchemy does at each run to compile, bind and wrap takes longer than SQLite takes
    to write the row. Types convert as ever. What fails is done again by SQLAlchemy, which
    knows what each error means, and how to get over a lost connection.
    """

    def __init__(self, statement: _Statement, parameters: Iterable[str]) -> None:
        self._statement = statement
        self._parameters = list(parameters)
        self._compiled: _Compiled | None = None

    def first(self, values: Mapping[str, Any]) -> Sequence[Any] | None:
        """Run it in a transaction of its own, committed on return; give its first row, if any.

        :raises SQLAlchemyError: the database refuses it.
        """
        engine = db.engine
        compiled = self._compile(engine.dialect)
        with closing(engine.raw_connection()) as connection:
            try:
                row = compiled.run(connection, values)
            except engine.dialect.loaded_dbapi.Error:
                pass  # nothing was written: the connection goes back without a commit
            else:
                connection.commit()
                return row
        with engine.begin() as again:
            return again.execute(self._statement, dict(values)).first()

    def _compile(self, dialect: Dialect) -> "_Compiled":
        known = self._compiled
        if known is None or known.dialect is not dialect:
            known = self._compiled = _compile(self._statement, self._parameters, dialect)
        return known


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What a statement is to one driver; ``order`` is None where parameters go by name."""

    dialect: Dialect
    sql: str
    constants: Mapping[str, Any]
    order: Sequence[str] | None
    binders: Sequence[tuple[str, _Convert]]
    readers: Sequence[tuple[int, _Convert]]

    def run(
        self, connection: PoolProxiedConnection, values: Mapping[str, Any]
    ) -> Sequence[Any] | None:
        """Run it, and give its first row in Python's values."""
        with closing(connection.cursor()) as cursor:
            cursor.execute(self.sql, self.bind(values))
            row = cursor.fetchone()
        return None if row is None else self.read(row)

    def bind(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as the driver wants it
        """Make the driver's parameters out of Python's values."""
        bound = {**self.constants, **values}
        for name, convert in self.binders:
            bound[name] = convert(bound[name])
        return bound if self.order is None else [bound[name] for name in self.order]

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """Make Python's values out of the driver's."""
        read = list(row)
        for place, convert in self.readers:
            read[place] = convert(read[place])
        return read


def _compile(statement: _Statement, parameters: list[str], dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=parameters)
    binders = [
        (name, bind.type.dialect_impl(dialect).bind_processor(dialect))
        for name, bind in compiled.binds.items()
    ]
    readers = [
        (place, column.type.dialect_impl(dialect).result_processor(dialect, None))
        for place, column in enumerate(statement.exported_columns)
    ]
    return _Compiled(
        dialect,
        compiled.string,
        compiled.params,
        compiled.positiontup if compiled.positional else None,
        [(name, convert) for name, convert in binders if convert],
        [(place, convert) for place, convert in readers if convert],
    )
