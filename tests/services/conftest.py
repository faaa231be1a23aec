"""The app that the tests of operations share; each test has a project of its own in it."""

import pytest

from tests.fakes import FakeAws
from tests.services.scene import Stage, make_stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return make_stage(tmp_path_factory.mktemp("instance"), FakeAws())
