"""Measure SAH against baselines of the same run, and say whether it keeps what was promised.

``python -m tests.bench`` prints a table and ends with status 1 when a bound is broken;
names of parts (operations, syncs, webhooks, pages) as arguments measure only those.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from tests.bench.measured import Measured, print_table
from tests.bench.operations import LATENCY_MS, RUNS, measure_operations
from tests.bench.pages import measure_pages
from tests.bench.syncs import measure_syncs
from tests.bench.webhooks import CONNECTIONS, SECONDS, TURNS, measure_webhooks
from tests.bench.world import running_aws


def _operations(folder: Path) -> list[Measured]:
    with running_aws() as aws:
        return measure_operations(aws, folder)


def _webhooks(folder: Path) -> list[Measured]:
    with running_aws() as aws:
        return measure_webhooks(aws, folder)


def _syncs(folder: Path) -> list[Measured]:
    with running_aws() as aws:
        return measure_syncs(aws, folder)


_PARTS: dict[str, Callable[[Path], list[Measured]]] = {
    "operations": _operations,
    "syncs": _syncs,
    "webhooks": _webhooks,
    "pages": measure_pages,
}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(_PARTS)))
def main(parts: Sequence[str]) -> None:
    """Measure everything, or some parts, and print the table."""
    results: list[Measured] = []
    for part in parts or _PARTS:
        with tempfile.TemporaryDirectory() as folder:
            results += _PARTS[part](Path(folder))
    print_table(results)
    click.echo(
        f"Operations: medians of {RUNS}, and plans: {LATENCY_MS} ms a call, AWS in a process of "
        "its own. "
        f"Webhooks: medians of {TURNS} turns of {SECONDS:.0f} s each, {CONNECTIONS} connections, "
        "gunicorn as `make run` starts it."
    )
    sys.exit(1 if any(result.kept is False for result in results) else 0)


if __name__ == "__main__":
    main()
