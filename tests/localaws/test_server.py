"""The server itself: start, stop, count, reset, latency and many callers at once."""

import http.client
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from sah.localaws import LocalAws, serve
from sah.localaws.calls import Call
from tests.localaws.conftest import Client, Clients, create_function, refuse


def test_importing_it_does_not_import_moto() -> None:
    code = "import sys; import sah.localaws; sys.exit('moto' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.usefixtures("aws")
def test_starts_on_a_free_port_and_stops_for_good() -> None:
    aws = LocalAws()
    aws.stop()  # not started: nothing to do
    with aws:
        assert aws.url == f"http://127.0.0.1:{aws.port}"
        lam = Clients(aws.url).get("lambda")
        assert lam.list_functions()["Functions"] == []
    # The client still holds a connection, which must not be served any more.
    with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
        lam.list_functions()


@pytest.mark.usefixtures("aws")
def test_starts_again_on_the_same_port() -> None:
    """An AWS that was away for a while."""
    aws = LocalAws()
    with aws:
        url = aws.url
        create_function(Clients(url).get("lambda"), "survivor")
    with aws:
        assert aws.url == url
        listed = Clients(url).get("lambda").list_functions()["Functions"]
        assert [each["FunctionName"] for each in listed] == ["survivor"]


def test_says_when_a_port_is_taken(server: LocalAws) -> None:
    with pytest.raises(OSError, match="in use"):
        LocalAws(port=server.port).start()


def test_two_servers_share_one_world(lam: Client) -> None:
    create_function(lam)
    with LocalAws() as other:
        listed = Clients(other.url).get("lambda").list_functions()["Functions"]
        assert [each["FunctionName"] for each in listed] == ["hello"]
        assert other.count() == 1


def test_takes_any_keys_and_any_region(aws: LocalAws) -> None:
    for region in ("us-east-1", "sa-east-1", "cn-north-1"):
        client = boto3.client(
            "sts",
            endpoint_url=aws.url,
            region_name=region,
            aws_access_key_id="anything",
            aws_secret_access_key="whatever",
        )
        partition = "aws-cn" if region.startswith("cn-") else "aws"
        identity = client.get_caller_identity()
        assert identity["Account"] == "123456789012"
        assert identity["Arn"].startswith(f"arn:{partition}:")


def test_counts_the_calls(aws: LocalAws, lam: Client, cfn: Client, s3: Client) -> None:
    create_function(lam)
    refuse(lam.get_alias, FunctionName="hello", Name="ACTIVE")
    refuse(lam.get_function, FunctionName="hello", Qualifier="7")
    cfn.list_stacks()
    s3.list_buckets()
    assert (aws.count(), aws.count("GetAlias"), aws.count("UpdateAlias")) == (5, 1, 0)
    assert len(aws.calls) == 5
    assert aws.calls[1] == Call("lambda", "GetAlias", {"FunctionName": "hello", "Name": "ACTIVE"})
    assert [(service, operation) for service, operation, _ in aws.calls] == [
        ("lambda", "CreateFunction"),
        ("lambda", "GetAlias"),
        ("lambda", "GetFunction"),
        ("cloudformation", "ListStacks"),
        ("s3", "ListBuckets"),
    ]
    assert aws.calls.named("GetFunction")[0].params["Qualifier"] == "7"
    aws.calls.clear()
    assert aws.count() == 0


def test_reset_forgets_everything(aws: LocalAws, lam: Client) -> None:
    create_function(lam)
    aws.fail_next("ListFunctions")
    aws.reset()
    assert aws.count() == 0
    assert lam.list_functions()["Functions"] == []


def test_keeps_connections(aws: LocalAws) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", aws.port)
    for _ in range(3):
        connection.request("GET", "/nowhere", headers={"Content-Length": "4"}, body=b"rest")
        first = connection.sock
        answer = connection.getresponse()
        answer.read()
        assert answer.getheader("Connection") is None
        assert connection.sock is first
    connection.request("PUT", "/bucket/key", body=iter([b"in ", b"chunks"]), encode_chunked=True)
    connection.getresponse().read()
    assert connection.sock is first
    connection.close()


def test_serves_forty_at_once(aws: LocalAws, lam: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the forty goes on before all of them are in."""
    all_in = threading.Barrier(40, timeout=60)
    monkeypatch.setattr(aws.calls, "record", lambda _call: all_in.wait())
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: lam.list_functions()["Functions"], range(40)))
    assert answers == [[]] * 40


def test_each_call_takes_at_least_the_latency(aws: LocalAws, lam: Client) -> None:
    aws.latency_ms = 50
    began = time.monotonic()
    lam.list_functions()
    assert time.monotonic() - began >= 0.05


def test_only_one_of_many_wins_with_the_same_revision(lam: Client) -> None:
    create_function(lam, Publish=True)
    made = lam.create_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")

    def update(number: int) -> bool:
        try:
            lam.update_alias(
                FunctionName="hello",
                Name="ACTIVE",
                Description=f"by {number}",
                RevisionId=made["RevisionId"],
            )
        except lam.exceptions.PreconditionFailedException:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(update, range(10))) == 1


def test_says_what_it_cannot_do(aws: LocalAws, clients: Clients) -> None:
    refused = refuse(clients.get("lambda").get_account_settings)
    assert refused == ("NotImplemented", 501)
    assert aws.count("GetAccountSettings") == 1


def test_tells_of_an_error_of_its_own(
    lam: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("sah.localaws.storage.Storage.aliases_of", break_down)
    assert refuse(lam.list_aliases, FunctionName="hello") == ("InternalFailure", 500)
    assert "ListAliases failed" in caplog.text


def test_simulates_a_policy_that_allows_everything(clients: Clients, aws: LocalAws) -> None:
    answer = clients.get("iam").simulate_principal_policy(
        PolicySourceArn="arn:aws:iam::123456789012:role/demo",
        ActionNames=["lambda:UpdateAlias", "lambda:GetAlias"],
        ResourceArns=["arn:aws:lambda:eu-west-1:123456789012:function:hello"],
    )
    results = answer["EvaluationResults"]
    assert [each["EvalActionName"] for each in results] == ["lambda:UpdateAlias", "lambda:GetAlias"]
    assert {each["EvalDecision"] for each in results} == {"allowed"}
    assert aws.count() == 1


def test_serves_until_it_is_told_to_stop() -> None:
    code = "from sah.localaws import serve; serve(0, 1.0, True, '127.0.0.1')"
    with subprocess.Popen(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("aws: ").strip()
        assert process.stdout.readline() == "ready\n"
        assert Clients(address).get("lambda").list_functions()["Functions"] == []
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=60)
        assert (process.returncode, rest, errors) == (0, "", "")


def test_the_keyboard_stops_it_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers: dict[int, Callable[[int, None], None]] = {}

    def note(number: int, handler: Callable[[int, None], None]) -> None:
        handlers[number] = handler
        if number == signal.SIGTERM:  # the last one to be set
            handlers[signal.SIGINT](signal.SIGINT, None)

    monkeypatch.setattr("sah.localaws.server.signal.signal", note)
    serve(0)
    assert capsys.readouterr().out.splitlines()[1] == "ready"
