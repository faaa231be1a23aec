"""Run commands in the test's app, as ``CliRunner`` does it: no process, no real AWS."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from sah.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the command prints
        """The whole of standard output, which has to be one JSON document."""
        return json.loads(self.out)


Sah = Callable[..., Answer]


@pytest.fixture
def sah(app: Flask) -> Sah:
    """Give a function that runs ``sah`` with arguments, and with a text as its input."""

    def run(*arguments: str, given: str = "") -> Answer:
        done = CliRunner().invoke(main, arguments, input=given, obj=lambda _instance: app)
        return Answer(done.exit_code, done.stdout, done.stderr)

    return run
