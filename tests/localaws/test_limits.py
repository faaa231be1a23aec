"""Lambda's three rate pools, per account and Region."""

import pytest

from sah.localaws import LocalAws
from sah.localaws.limits import Limits
from tests.localaws.conftest import Client, Clients, create_function, refuse


class Clock:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> Limits:
    return Limits(clock)


def passing(limits: Limits, operation: str, tries: int = 200, region: str = "eu-west-1") -> int:
    """Count how many calls pass in a moment."""
    waits = [limits.wait("lambda", operation, "123456789012", region) for _ in range(tries)]
    return waits.count(0.0)


def test_each_pool_lets_one_second_of_calls_pass(limits: Limits) -> None:
    assert passing(limits, "GetFunction") == 100
    assert passing(limits, "GetPolicy") == 15
    assert passing(limits, "UpdateAlias", 10) == 10
    assert passing(limits, "ListAliases") == 5  # all the others share a pool


def test_tokens_come_back_with_time(limits: Limits, clock: Clock) -> None:
    passing(limits, "UpdateAlias")
    assert limits.wait("lambda", "GetAlias", "123456789012", "eu-west-1") == pytest.approx(1 / 15)
    clock.now += 0.2
    assert passing(limits, "UpdateAlias") == 3
    clock.now += 1000
    assert passing(limits, "UpdateAlias") == 15
    limits.reset()
    assert passing(limits, "UpdateAlias") == 15


def test_regions_and_accounts_have_their_own(limits: Limits) -> None:
    assert passing(limits, "UpdateAlias") == 15
    assert passing(limits, "UpdateAlias", region="us-east-1") == 15
    assert limits.wait("lambda", "UpdateAlias", "999999999999", "eu-west-1") == 0


@pytest.mark.parametrize(
    ("service", "operation"),
    [("lambda", "Invoke"), ("cloudformation", "ListStacks"), ("s3", "PutObject")],
)
def test_the_rest_is_not_limited(limits: Limits, service: str, operation: str) -> None:
    waits = {limits.wait(service, operation, "123456789012", "eu-west-1") for _ in range(500)}
    assert waits == {0.0}


def exhaust(lam: Client) -> None:
    """Call until it is too much."""
    for _ in range(100):
        lam.list_functions()


def test_a_throttled_call_is_a_429_with_a_hint(aws: LocalAws, lam: Client, cfn: Client) -> None:
    create_function(lam)
    aws.rate_limits = True
    with pytest.raises(lam.exceptions.TooManyRequestsException) as caught:
        exhaust(lam)
    answer = caught.value.response["ResponseMetadata"]
    assert answer["HTTPStatusCode"] == 429
    assert answer["HTTPHeaders"]["retry-after"] == "1"
    assert caught.value.response["Error"]["Message"] == "Rate exceeded"
    assert aws.count("ListFunctions") >= 16  # refused calls were calls too
    lam.get_function(FunctionName="hello")
    lam.invoke(FunctionName="hello")
    for _ in range(20):
        cfn.list_stacks()


def test_the_limits_know_the_callers_account(aws: LocalAws, lam: Client, clients: Clients) -> None:
    aws.rate_limits = True
    sts = clients.get("sts")
    keys = sts.assume_role(RoleArn="arn:aws:iam::999999999999:role/x", RoleSessionName="sah")
    other = clients.assumed(keys["Credentials"], "lambda")
    with pytest.raises(lam.exceptions.TooManyRequestsException):
        exhaust(lam)
    assert other.list_functions()["Functions"] == []


def test_a_reset_fills_the_buckets(aws: LocalAws, lam: Client) -> None:
    aws.rate_limits = True
    for _ in range(3):
        for _ in range(15):
            lam.list_functions()
        aws.reset()
    assert refuse(lam.get_function, FunctionName="hello")[1] == 404
