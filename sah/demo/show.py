"""The demo from start to end (being built)."""

from collections.abc import Iterator
from pathlib import Path


def run_demo(instance: Path, *, port: int, aws_port: int) -> None:
    """Run the demo."""
    raise NotImplementedError


def deploy_once_more(instance: Path, *, bad: bool) -> Iterator[str]:
    """Deploy once more."""
    raise NotImplementedError
