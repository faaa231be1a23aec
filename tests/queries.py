"""How many queries something needs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from sah.extensions import db
from sah.services.prepared import Prepared


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Collect the statements that reach the database within the block."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    def note_prepared(prepared: Prepared, values: Mapping[str, Any]) -> Sequence[Any] | None:
        statements.append(str(prepared._statement))
        return first(prepared, values)

    first = Prepared.first
    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        with patch.object(Prepared, "first", note_prepared):
            yield statements
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
