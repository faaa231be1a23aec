"""One embedded AWS for all of these tests; each of them starts in an empty world."""

# ruff: noqa: ANN401 -- what boto3 takes and answers is Any

import functools
import io
import itertools
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sah.localaws import LocalAws

# boto3 makes its clients at run time, and their answers leave out what is typed as there.
Client: TypeAlias = Any
REGION = "eu-west-1"
CONFIG = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
BUILDS = itertools.count()
ROLE = "arn:aws:iam::123456789012:role/demo"


class Clients:
    """boto3's clients for one embedded AWS, made once each."""

    def __init__(self, url: str) -> None:
        self.url = url

    @functools.cache  # noqa: B019 -- lives as long as the session
    def get(self, service: str, region: str = REGION) -> Client:
        """Make a client that asks once and never retries."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=CONFIG,
        )

    def assumed(self, keys: dict[str, str], service: str) -> Client:
        """Make a client with the keys of an assumed role."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=CONFIG,
        )


@pytest.fixture(scope="session")
def server() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        yield aws


@pytest.fixture(scope="session")
def clients(server: LocalAws) -> Clients:
    return Clients(server.url)


@pytest.fixture
def aws(server: LocalAws) -> Iterator[LocalAws]:
    server.reset()
    yield server
    server.latency_ms, server.rate_limits = 0, False


@pytest.fixture
def lam(aws: LocalAws, clients: Clients) -> Client:
    del aws  # asked for, so that each test starts in an empty world
    return clients.get("lambda")


@pytest.fixture
def s3(aws: LocalAws, clients: Clients) -> Client:
    del aws  # asked for, so that each test starts in an empty world
    return clients.get("s3")


@pytest.fixture
def cfn(aws: LocalAws, clients: Clients) -> Client:
    del aws  # asked for, so that each test starts in an empty world
    return clients.get("cloudformation")


def make_zip(code: str, name: str = "handler.py") -> bytes:
    """Zip one file of code."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), code)
    return buffer.getvalue()


def answering(word: str) -> bytes:
    """Make the code of a function that answers with one word."""
    return make_zip(f"def main(event, context):\n    return {word!r}\n")


def refuse(call: Callable[..., Any], **params: Any) -> tuple[str, int]:
    """Make a call that AWS refuses; return the error's code and HTTP status."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def create_function(lam: Client, name: str = "hello", **more: Any) -> None:
    """Create a small function."""
    settings: dict[str, Any] = {
        "Role": ROLE,
        "Runtime": "python3.11",
        "Handler": "handler.main",
        "Code": {"ZipFile": answering("first")},
    }
    lam.create_function(FunctionName=name, **(settings | more))


def publish(lam: Client, count: int, name: str = "hello") -> None:
    """Publish this many versions, each with code of its own."""
    for number in itertools.islice(BUILDS, count):
        code = answering(f"build {number}")
        lam.update_function_code(FunctionName=name, ZipFile=code, Publish=True)
