"""How SAH reaches an account: by which credentials, how often, and for how long it waits."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from sah.aws import credentials
from sah.aws.gateway import AccessKind, AccountAccess
from sah.aws.limiter import MOST_ATTEMPTS
from sah.aws.sessions import MOST_KEPT, Connections
from sah.domain.aliases import Routing
from sah.domain.errors import (
    AwsAccessDeniedError,
    AwsCredentialsError,
    AwsServerError,
    AwsThrottledError,
    AwsUnreachableError,
)
from tests.aws.world import KEY_ID, SECRET, LocalWorld, access, fast_limits

ROLE = "arn:aws:iam::210987654321:role/sah"
AWS_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


@pytest.fixture
def connections() -> Connections:
    return Connections(fast_limits())


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without any AWS credentials."""
    for name in AWS_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.fixture
def server_credentials(no_credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with credentials in its environment."""
    del no_credentials
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Botocore's own pauses between attempts, in seconds, which nobody waits for."""
    pauses: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", pauses.append)
    return pauses


def role_access(local: LocalWorld, **changes: str) -> AccountAccess:
    return AccountAccess(
        AccessKind.ASSUME_ROLE,
        "eu-west-1",
        role_arn=ROLE,
        endpoint_url=local.aws.url,
        **changes,
    )


def test_stored_keys_reach_the_account(local: LocalWorld, connections: Connections) -> None:
    assert connections.open(access(local.aws)).get_identity().account_id == "123456789012"


@pytest.mark.usefixtures("server_credentials")
def test_the_default_chain_uses_what_the_server_has(
    local: LocalWorld, connections: Connections
) -> None:
    gateway = connections.open(
        AccountAccess(AccessKind.DEFAULT_CHAIN, "eu-west-1", endpoint_url=local.aws.url)
    )
    assert gateway.list_stacks() == []


@pytest.mark.usefixtures("server_credentials")
def test_a_role_is_assumed_once_with_its_external_id(
    local: LocalWorld, connections: Connections
) -> None:
    gateway = connections.open(role_access(local, external_id="shop-42"))
    assert local.aws.count("AssumeRole") == 0
    for _ in range(3):
        gateway.list_stacks()
    asked = [call.params for call in local.aws.calls.named("AssumeRole")]
    assert len(asked) == 1
    assert asked[0]["RoleArn"] == ROLE
    assert asked[0]["ExternalId"] == "shop-42"
    assert asked[0]["RoleSessionName"] == "sah"
    assert gateway.get_identity().account_id == "210987654321"


@pytest.mark.usefixtures("server_credentials")
def test_without_an_external_id_none_is_sent(local: LocalWorld, connections: Connections) -> None:
    connections.open(role_access(local)).list_stacks()
    assert "ExternalId" not in local.aws.calls.named("AssumeRole")[0].params


@pytest.mark.usefixtures("server_credentials")
def test_a_role_is_assumed_again_before_it_expires(
    local: LocalWorld, connections: Connections
) -> None:
    gateway = connections.open(role_access(local))
    gateway.list_stacks()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=50)):
        gateway.list_stacks()
        gateway.list_stacks()
    assert local.aws.count("AssumeRole") == 2


@pytest.mark.usefixtures("server_credentials")
def test_many_threads_share_one_session(local: LocalWorld, connections: Connections) -> None:
    wanted = role_access(local)

    def ask(number: int) -> str:
        return connections.open(wanted, urgent=number % 2 == 0).get_identity().account_id

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(16))) == {"210987654321"}
    assert local.aws.count("AssumeRole") == 1


@pytest.mark.usefixtures("server_credentials")
def test_a_role_that_may_not_be_assumed_is_said_so(
    local: LocalWorld, connections: Connections
) -> None:
    local.aws.fail_next("AssumeRole", status=403, code="AccessDenied", message="no")
    with pytest.raises(AwsAccessDeniedError, match="assume"):
        connections.open(role_access(local)).list_stacks()


@pytest.mark.usefixtures("no_credentials")
@pytest.mark.parametrize("kind", [AccessKind.DEFAULT_CHAIN, AccessKind.ASSUME_ROLE])
def test_a_server_without_credentials_is_said_so(
    local: LocalWorld, connections: Connections, kind: AccessKind
) -> None:
    gateway = connections.open(
        AccountAccess(kind, "eu-west-1", role_arn=ROLE, endpoint_url=local.aws.url)
    )
    with pytest.raises(AwsCredentialsError, match="no AWS credentials"):
        gateway.list_stacks()


@pytest.mark.usefixtures("no_waiting")
def test_a_read_is_tried_again_after_a_server_error(
    local: LocalWorld, connections: Connections
) -> None:
    local.add_function("cart")
    local.aws.fail_next("GetAlias", status=500, times=2)
    assert connections.open(access(local.aws)).get_alias("cart", "ACTIVE").routing == Routing("1")
    assert local.aws.count("GetAlias") == 3


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("after_effect", [True, False])
def test_a_move_is_sent_once_whatever_the_answer(
    local: LocalWorld, connections: Connections, after_effect: bool
) -> None:
    local.add_function("cart", versions=2)
    local.aws.fail_next("UpdateAlias", status=500, after_effect=after_effect)
    gateway = connections.open(access(local.aws))
    with pytest.raises(AwsServerError):
        gateway.update_alias("cart", "ACTIVE", Routing("1"))
    assert local.aws.count("UpdateAlias") == 1
    assert gateway.get_alias("cart", "ACTIVE").routing == Routing("1" if after_effect else "2")


def test_a_move_whose_answer_does_not_come_is_sent_once(
    local: LocalWorld, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.add_function("cart", versions=2)
    monkeypatch.setattr(credentials, "READ_TIMEOUT_S", 0.05)
    local.aws.fail_next("UpdateAlias", status=None, delay_s=0.2)
    with pytest.raises(AwsUnreachableError):
        connections.open(access(local.aws)).update_alias("cart", "ACTIVE", Routing("1"))
    assert local.aws.count("UpdateAlias") == 1


def test_a_throttled_move_is_sent_again_because_it_had_no_effect(
    local: LocalWorld, connections: Connections
) -> None:
    local.add_function("cart", versions=2)
    local.aws.fail_next("UpdateAlias", times=5, status=429, code="TooManyRequestsException")
    gateway = connections.open(access(local.aws), urgent=True)
    moved = gateway.update_alias("cart", "ACTIVE", Routing("1"))
    assert moved.routing == Routing("1")
    assert local.aws.count("UpdateAlias") == 6


def test_throttling_without_end_is_given_up(local: LocalWorld, connections: Connections) -> None:
    local.aws.fail_next("GetAlias", times=99, status=429, code="TooManyRequestsException")
    with pytest.raises(AwsThrottledError):
        connections.open(access(local.aws), urgent=True).get_alias("cart", "ACTIVE")
    assert local.aws.count("GetAlias") == MOST_ATTEMPTS


def test_every_page_and_every_retry_passes_the_limiter(
    local: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.add_function("cart", versions=55)
    limits = fast_limits()
    passed: list[str] = []
    lane = limits.open_lane("x", "eu-west-1", urgent=False)
    monkeypatch.setattr(lane, "acquire", passed.append)
    monkeypatch.setattr(limits, "open_lane", lambda *_, **__: lane)
    local.aws.fail_next("ListVersionsByFunction", status=429, code="TooManyRequestsException")
    Connections(limits).open(access(local.aws)).list_versions("cart")
    assert passed == ["ListVersionsByFunction"] * 3


@pytest.mark.usefixtures("no_waiting")
def test_cloudformation_throttling_is_sat_out(local: LocalWorld, connections: Connections) -> None:
    local.aws.fail_next(
        "ListStacks", times=5, status=400, code="Throttling", message="Rate exceeded"
    )
    assert connections.open(access(local.aws)).list_stacks() == []


@pytest.mark.usefixtures("no_waiting")
def test_nobody_at_the_endpoint_is_said_so(local: LocalWorld, connections: Connections) -> None:
    nobody = access(local.aws, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(AwsUnreachableError, match=r"127\.0\.0\.1:9"):
        connections.open(nobody).list_stacks()


def test_an_endpoint_that_is_no_address_is_said_so(
    local: LocalWorld, connections: Connections
) -> None:
    wrong = access(local.aws, endpoint_url="http://local_stack:4566")
    with pytest.raises(AwsUnreachableError, match="not an address"):
        connections.open(wrong).list_stacks()


def test_a_gateway_is_kept_and_forgotten(local: LocalWorld, connections: Connections) -> None:
    wanted = access(local.aws)
    gateway = connections.open(wanted)
    urgent = connections.open(wanted, urgent=True)
    assert connections.open(wanted) is gateway
    assert connections.open(wanted, urgent=True) is urgent
    assert urgent is not gateway
    connections.forget(wanted)
    assert connections.open(wanted) is not gateway
    assert connections.open(wanted, urgent=True) is not urgent


def test_other_credentials_get_another_gateway(local: LocalWorld, connections: Connections) -> None:
    gateway = connections.open(access(local.aws))
    assert connections.open(access(local.aws, secret_access_key="rotated")) is not gateway


def test_only_so_many_gateways_are_kept(local: LocalWorld, connections: Connections) -> None:
    first = connections.open(access(local.aws))
    for number in range(MOST_KEPT):
        connections.open(access(local.aws, region=f"eu-west-{number + 2}"))
    assert len(connections._kept) == MOST_KEPT
    assert connections.open(access(local.aws)) is not first


def test_keys_and_roles_of_one_aws_account_are_told_apart_without_calls(
    local: LocalWorld, connections: Connections
) -> None:
    for arn in (ROLE, ROLE.replace("sah", "other"), ROLE.replace("2109", "3109")):
        connections.open(AccountAccess(AccessKind.ASSUME_ROLE, "eu-west-1", arn))
    assert len(connections._limits._pools) == 2
    for key in ("AKIA1", "AKIA2"):
        connections.open(access(local.aws, access_key_id=key))
    assert len(connections._limits._pools) == 4
    assert local.aws.count() == 0


def test_no_secret_shows_in_any_representation(local: LocalWorld, connections: Connections) -> None:
    wanted = access(local.aws, external_id="shop-42")
    gateway = connections.open(wanted)
    gateway.get_identity()
    for thing in (wanted, [wanted], gateway, connections):
        for secret in (SECRET, KEY_ID, "shop-42"):
            assert secret not in repr(thing)
            assert secret not in str(thing)


def test_aws_sees_that_it_is_sah_and_is_not_waited_for_without_end() -> None:
    config = vars(credentials.client_config(1))
    assert config["user_agent_extra"].startswith("sah/")
    assert 0 < config["connect_timeout"] <= 5
    assert 0 < config["read_timeout"] <= 20


def test_opening_connections_does_not_load_boto3() -> None:
    code = "import sys, sah.aws.sessions; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
