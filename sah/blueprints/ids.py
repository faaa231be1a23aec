"""Ids within addresses."""

from werkzeug.routing import IntegerConverter

HIGHEST_ID = 999_999_999


class RowId(IntegerConverter):
    """The id of a row; a number that no row can have is not found.

    Larger ones would be an error of the database's driver. The form says so, since with
    bounds Werkzeug answers 405 where an address has several methods.
    """

    regex = "[1-9][0-9]{0,8}"
