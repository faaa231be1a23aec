"""Ids within addresses."""

from werkzeug.routing import IntegerConverter
from werkzeug.routing.map import Map

# What fits into any database's integer; more would be an error of its driver.
HIGHEST_ID = 2**31 - 1


class RowId(IntegerConverter):
    """The id of a row; a number that no row can have is not found."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, min=1, max=HIGHEST_ID)
