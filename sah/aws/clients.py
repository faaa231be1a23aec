"""The boto3 clients of one account and Region: how long they wait and what they retry."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from sah.aws.credentials import Session
from sah.aws.errors import is_throttled
from sah.aws.limiter import Lane

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.model import OperationModel
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_sts.client import STSClient


class Clients:
    """The clients for one access, each made when first needed.

    Writes go through a client that never retries: an answer that was lost is for
    the caller to resolve by reading. Each request to Lambda, with every page and
    every retry, passes through the lane first.
    """

    def __init__(self, session: Session, lane: Lane) -> None:
        self._session = session
        self._lane = lane

    @cached_property
    def reads(self) -> "LambdaClient":
        """Lambda for calls that may be repeated without harm."""
        return self._lambda(attempts=3)

    @cached_property
    def writes(self) -> "LambdaClient":
        """Lambda for calls that must reach AWS once at most."""
        return self._lambda(attempts=1)

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """CloudFormation; only ever read. It has no published rate, so it retries for longer."""
        client = self._session.make_client("cloudformation", attempts=8)
        return cast("CloudFormationClient", client)

    @cached_property
    def sts(self) -> "STSClient":
        """STS, to ask who the credentials are."""
        return cast("STSClient", self._session.make_client("sts", attempts=3))

    def _lambda(self, attempts: int) -> "LambdaClient":
        client = self._session.make_client("lambda", attempts)
        # First, because the signature that follows is good for five minutes only.
        client.meta.events.register_first("request-created.lambda", self._wait_for_turn)
        client.meta.events.register_first("needs-retry.lambda", self._retry_throttled)
        return cast("LambdaClient", client)

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
