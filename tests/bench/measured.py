"""What a measurement is, and the table of all of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

_WIDTH = 118


@dataclass(frozen=True)
class Measured:
    """One measurement, and whether it keeps what was promised; None where nothing was."""

    what: str
    value: str
    bound: str = ""
    kept: bool | None = None


_WORDS = {True: "yes", False: "NO", None: ""}


def print_table(results: Iterable[Measured]) -> None:
    """Print the measurements."""
    table = Table("Measured", "Result", "Promised", "")
    for result in results:
        table.add_row(result.what, result.value, result.bound, _WORDS[result.kept])
    console = Console()
    console.width = max(console.width, _WIDTH)
    console.print(table)
