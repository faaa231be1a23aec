"""The app that the tests of operations share; each test has a project of its own in it."""

from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask

from tests.fakes import FakeAws
from tests.services.scene import Ground, close_operations, open_ground
from tests.services.story import START, Story, begin_story


@pytest.fixture(scope="session")
def shared_ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with open_ground(tmp_path_factory.mktemp("instance")) as made:
        yield made


@pytest.fixture
def ground(shared_ground: Ground) -> Iterator[Ground]:
    """An app on which no operation is active, neither before the test nor after it."""
    yield shared_ground
    close_operations(shared_ground)


@pytest.fixture
def story(context: Flask, aws: FakeAws) -> Iterator[Story]:
    """A shop to deploy, with the app's context entered and the clock in the test's hand."""
    del context
    with time_machine.travel(START, tick=False) as clock:
        yield begin_story(aws, clock)
