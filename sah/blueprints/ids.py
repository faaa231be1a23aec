"""Ids in addresses: one that no database can hold is one that nothing has."""

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**63 - 1


class IdConverter(IntegerConverter):
    """``<int:…>`` in an address, with an end to it."""

    def __init__(self, rules: Map, *args: Any, **options: Any) -> None:  # noqa: ANN401 - werkzeug's
        super().__init__(rules, *args, **({"max": LARGEST} | options))


def init_app(app: Flask) -> None:
    """Let every address that is registered from now on end at the largest id."""
    app.url_map.converters["int"] = IdConverter


def parse_id(text: str) -> int:
    """Read an id out of a query.

    :raises ValueError: it is not a number, or larger than any id.
    """
    number = int(text)
    if not 0 <= number <= LARGEST:
        raise ValueError(text)
    return number
