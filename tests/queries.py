"""How many queries something needs."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from sah.extensions import db


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Collect the statements that reach the database within the block."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
