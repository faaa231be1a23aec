"""The embedded AWS, started once for all tests of the gateway and emptied for each."""

from collections.abc import Iterator

import pytest

from sah.aws.gateway import AwsGateway
from sah.localaws import LocalAws
from tests.aws.world import LocalWorld, World
from tests.fakes import FakeAws


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        yield aws


@pytest.fixture(scope="session")
def local_session(local_aws: LocalAws) -> LocalWorld:
    return LocalWorld(local_aws)


@pytest.fixture
def local(local_session: LocalWorld) -> LocalWorld:
    """The embedded AWS, empty."""
    local_session.reset()
    return local_session


@pytest.fixture(params=["fake", "boto"])
def both(request: pytest.FixtureRequest) -> tuple[World, AwsGateway]:
    """A world and SAH's gateway to it: once the fake, once boto3 with the embedded AWS."""
    if request.param == "fake":
        fake = FakeAws()
        return fake, fake
    local: LocalWorld = request.getfixturevalue("local")
    return local, local.gateway


@pytest.fixture
def world(both: tuple[World, AwsGateway]) -> World:
    return both[0]


@pytest.fixture
def gateway(both: tuple[World, AwsGateway]) -> AwsGateway:
    return both[1]
