"""One boto3 session for each account, with the credentials that it is to be reached by."""

import threading
from functools import cache, cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.loaders import create_loader

from sah.aws.gateway import AccessKind, AccountAccess
from sah.domain.errors import AwsUnreachableError

if TYPE_CHECKING:
    from botocore.loaders import Loader

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 20
POOL_SIZE = 32
ROLE_SESSION_NAME = "sah"

# Making sessions and clients is not thread-safe in boto3; using clients is.
_making = threading.RLock()


class Session:
    """boto3's session for one access, opened when first needed."""

    def __init__(self, access: AccountAccess) -> None:
        self._access = access

    def make_client(self, service: str, attempts: int) -> Any:  # noqa: ANN401 - cast by the caller
        """Make a client that sends each request at most ``attempts`` times.

        :raises AwsUnreachableError: the account's endpoint is not an address.
        :raises NoCredentialsError: botocore's; there is nothing to assume the role with.
        """
        endpoint_url = self._access.endpoint_url or None
        try:
            with _making:
                make: Any = self._boto3.client  # its overloads know no plain str
                return make(service, endpoint_url=endpoint_url, config=client_config(attempts))
        except BotoCoreError:
            raise
        except ValueError:
            raise AwsUnreachableError(
                f"{endpoint_url} is not an address that can be called.",
                "Correct the account's endpoint.",
            ) from None

    @cached_property
    def _boto3(self) -> boto3.Session:
        session = _bare_session(self._access)
        if self._access.kind is AccessKind.ACCESS_KEY:
            session.set_credentials(self._access.access_key_id, self._access.secret_access_key)
        elif self._access.kind is AccessKind.ASSUME_ROLE:
            resolver = CredentialResolver([_RoleProvider(self._access)])
            session.register_component("credential_provider", resolver)
        return boto3.Session(botocore_session=session)


def client_config(attempts: int) -> Config:
    """Settle timeouts (seconds), retries and the name that CloudTrail shows."""
    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=POOL_SIZE,
        user_agent_extra=f"sah/{version('serverless-alias-helper')}",
    )


class _RoleProvider(CredentialProvider):
    """Assumes the role at the first call, and again by itself before it expires."""

    METHOD = "sah-role"

    def __init__(self, access: AccountAccess) -> None:
        super().__init__()
        self._access = access
        self._session = _bare_session(access)

    def load(self) -> DeferredRefreshableCredentials:
        """Give credentials that fetch themselves.

        :raises NoCredentialsError: there is nothing to assume the role with.
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
