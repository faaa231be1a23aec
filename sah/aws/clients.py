"""The boto3 clients of one account and Region: how long they wait and what they retry."""

import threading
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError
from botocore.loaders import create_loader

from sah.aws.errors import is_throttled
from sah.aws.gateway import AccessKind, AccountAccess
from sah.aws.limiter import Lane

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.loaders import Loader
    from botocore.model import OperationModel
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_sts.client import STSClient

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 20
POOL_SIZE = 32
ROLE_SESSION_NAME = "sah"

# Making sessions and clients is not thread-safe in boto3; using clients is.
_making = threading.RLock()


class Clients:
    """The clients for one access, each made when first needed.

    Writes go through a client that never retries: an answer that was lost is for
    the caller to resolve by reading. Each request to Lambda, with every page and
    every retry, passes through the lane first.
    """

    def __init__(self, access: AccountAccess, lane: Lane) -> None:
        self._access = access
        self._lane = lane
        self._session: boto3.Session | None = None
        self._made: dict[tuple[str, int], Any] = {}

    @property
    def reads(self) -> "LambdaClient":
        """Lambda for calls that may be repeated without harm."""
        return cast("LambdaClient", self._client("lambda", attempts=3))

    @property
    def writes(self) -> "LambdaClient":
        """Lambda for calls that must reach AWS once at most."""
        return cast("LambdaClient", self._client("lambda", attempts=1))

    @property
    def cloudformation(self) -> "CloudFormationClient":
        """CloudFormation; only ever read. It has no published rate, so it retries for longer."""
        return cast("CloudFormationClient", self._client("cloudformation", attempts=8))

    @property
    def sts(self) -> "STSClient":
        """STS, to ask who the credentials are."""
        return cast("STSClient", self._client("sts", attempts=3))

    def _client(self, service: str, *, attempts: int) -> Any:  # noqa: ANN401 - cast by the callers
        key = (service, attempts)
        if key not in self._made:
            with _making:
                if key not in self._made:
                    self._made[key] = self._make(service, attempts)
        return self._made[key]

    def _make(self, service: str, attempts: int) -> Any:  # noqa: ANN401 - as above
        if self._session is None:
            self._session = open_session(self._access)
        make: Any = self._session.client  # its overloads know no plain str
        client = make(
            service,
            endpoint_url=self._access.endpoint_url or None,
            config=client_config(attempts),
        )
        if service == "lambda":
            # First, because the signature that follows is good for five minutes only.
            client.meta.events.register_first("request-created.lambda", self._wait_for_turn)
            client.meta.events.register_first("needs-retry.lambda", self._retry_throttled)
        return client

    def _wait_for_turn(self, operation_name: str, **_: object) -> None:
        self._lane.acquire(operation_name)

    def _retry_throttled(
        self,
        operation: "OperationModel",
        response: tuple["AWSResponse", dict[str, Any]] | None,
        attempts: int,
        **_: object,
    ) -> float | None:
        """Give botocore the seconds to sleep, or None to leave the decision to its own rules."""
        if response is None or not is_throttled(response[0].status_code, response[1]):
            return None
        return self._lane.retry_after(operation.name, attempts)


def client_config(attempts: int) -> Config:
    """Settle timeouts (seconds), retries and the name that CloudTrail shows."""
    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=POOL_SIZE,
        user_agent_extra=f"sah/{version('serverless-alias-helper')}",
    )


def open_session(access: AccountAccess) -> boto3.Session:
    """Make a boto3 session with the credentials that ``access`` asks for; calls nothing yet."""
    session = _bare_session(access)
    if access.kind is AccessKind.ACCESS_KEY:
        session.set_credentials(access.access_key_id, access.secret_access_key)
    elif access.kind is AccessKind.ASSUME_ROLE:
        resolver = CredentialResolver([_RoleProvider(access)])
        session.register_component("credential_provider", resolver)
    return boto3.Session(botocore_session=session)


class _RoleProvider(CredentialProvider):
    """Assumes the role at the first call, and again by itself before it expires."""

    METHOD = "sah-role"

    def __init__(self, access: AccountAccess) -> None:
        super().__init__()
        self._access = access
        self._session = _bare_session(access)

    def load(self) -> DeferredRefreshableCredentials:
        """Give credentials that fetch themselves.

        :raises NoCredentialsError: the role is to be assumed, but there is nothing to do it with.
        """
        source = self._session.get_credentials()
        if source is None:
            raise NoCredentialsError
        extra = {"RoleSessionName": ROLE_SESSION_NAME}
        if self._access.external_id:
            extra["ExternalId"] = self._access.external_id
        fetcher = AssumeRoleCredentialFetcher(
            self._make_client, source, self._access.role_arn, extra_args=extra
        )
        return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    def _make_client(self, service: str, **credentials: Any) -> Any:  # noqa: ANN401 - botocore's
        with _making:
            return self._session.create_client(
                service,
                endpoint_url=self._access.endpoint_url or None,
                config=client_config(3),
                **credentials,
            )


def _bare_session(access: AccountAccess) -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", _loader())
    session.set_config_variable("region", access.region)
    return session


@cache
def _loader() -> "Loader":
    """Share the service models: read once, they take megabytes and a tenth of a second."""
    return create_loader()
