"""Lists in pages: a cursor says after which key the next page begins.

Pages by key stay right while rows come and go, and the last costs no more than the first.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from sah.blueprints.api.shapes import PageQuery
from sah.domain.errors import InvalidInputError

Key = TypeVar("Key", str, int)
Item = TypeVar("Item")

_HIGHEST_KEY = 2**31 - 1  # no column of ids holds a larger number


def read_cursor(query: PageQuery, kind: type[Key]) -> Key | None:
    """Read the key after which the page begins, None for the first page.

    :raises InvalidInputError: it is no cursor of such a list.
    """
    if query.cursor is None:
        return None
    try:
        key = json.loads(base64.b64decode(query.cursor, altchars=b"-_", validate=True))
        str(key).encode()  # half a character cannot be asked for in a database
    except (ValueError, binascii.Error, RecursionError):
        key = None
    if type(key) is not kind or not _fits(key):
        raise InvalidInputError(
            "cursor: this is no cursor of this list.", "Give next_cursor back as it came."
        )
    return key


def _fits(key: object) -> bool:
    return not isinstance(key, int) or abs(key) <= _HIGHEST_KEY


def cut_page(
    rows: Sequence[Item], query: PageQuery, key_of: Callable[[Item], Key]
) -> tuple[Sequence[Item], str | None]:
    """Cut a page out of rows that hold one more than fit, if there are any more.

    Gives the page and the cursor of the next one.
    """
    page = rows[: query.limit]
    if len(rows) <= query.limit:
        return page, None
    key = json.dumps(key_of(page[-1]), ensure_ascii=False)
    return page, base64.urlsafe_b64encode(key.encode()).decode()


def page_through(
    rows: Sequence[Item], query: PageQuery, key_of: Callable[[Item], str]
) -> tuple[Sequence[Item], str | None]:
    """Cut a page out of all rows, in the order of a key that is a text.

    Sorted here, since a database may order texts by the rules of a language.
    """
    after = read_cursor(query, str)
    rest = [row for row in sorted(rows, key=key_of) if after is None or key_of(row) > after]
    return cut_page(rest, query, key_of)
