"""How commands print lists: a table for people, JSON for programs."""
# ruff: noqa: PLC0415 - rich is imported only to print a table

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import click

# What a cell or a JSON field may hold.
Value = str | int | float | bool | None | datetime | Sequence["Value"] | Mapping[str, "Value"]


def print_rows(rows: Iterable[Mapping[str, Value]], columns: Mapping[str, str], form: str) -> None:
    """Print rows as JSON with all their fields, or as a table of ``columns`` (field to title)."""
    listed = list(rows)
    if form == "json":
        print_json(listed)
    else:
        print_table(listed, columns)


def print_json(value: Value) -> None:
    """Print one JSON document; times are ISO 8601 in UTC."""
    click.echo(json.dumps(value, default=_encode, ensure_ascii=False, indent=2))


def print_table(rows: Sequence[Mapping[str, Value]], columns: Mapping[str, str]) -> None:
    """Print a table that is never cut: names and ARNs have to be whole to be copied."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in columns.values():
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(cell(row.get(field)) for field in columns))
    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = 10_000
    console.print(table) if rows else click.echo("Nothing yet.")


def cell(value: Value) -> str:
    """Show one value as a person reads it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(cell(item) for item in value) or "-"
    return str(value).replace("_", " ") if isinstance(value, StrEnum) else str(value)


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} cannot be JSON")
