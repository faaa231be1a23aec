"""Invoking runs the code of the version that the name stands for."""

# ruff: noqa: ANN401 -- what boto3 takes and answers is Any

import base64
import json
import shutil
from typing import Any

import pytest

from sah.localaws import LocalAws
from tests.localaws.conftest import (
    REGION,
    Client,
    Clients,
    answering,
    create_function,
    make_zip,
    refuse,
)

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:hello"


def invoke(lam: Client, name: str = "hello", **more: Any) -> tuple[Any, Any]:
    answer = lam.invoke(FunctionName=name, **more)
    return json.loads(answer["Payload"].read()), answer


@pytest.fixture
def two(lam: Client) -> None:
    """A function with two versions, the alias on the first."""
    create_function(lam, Publish=True)
    lam.update_function_code(FunctionName="hello", ZipFile=answering("second"), Publish=True)
    lam.update_function_code(FunctionName="hello", ZipFile=answering("latest"))
    lam.create_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("name", "params", "word", "version"),
    [
        ("hello", {}, "latest", "$LATEST"),
        ("hello", {"Qualifier": "$LATEST"}, "latest", "$LATEST"),
        ("hello", {"Qualifier": "1"}, "first", "1"),
        ("hello", {"Qualifier": "2"}, "second", "2"),
        ("hello", {"Qualifier": "ACTIVE"}, "first", "1"),
        ("hello:ACTIVE", {}, "first", "1"),
        (f"{ARN}:ACTIVE", {}, "first", "1"),
        (ARN, {"Qualifier": "2"}, "second", "2"),
    ],
)
def test_runs_the_right_code(
    lam: Client, name: str, params: dict[str, str], word: str, version: str
) -> None:
    said, answer = invoke(lam, name, **params)
    assert said == word
    assert answer["ExecutedVersion"] == version
    assert answer["StatusCode"] == 200
    assert "FunctionError" not in answer


@pytest.mark.usefixtures("two")
def test_moving_the_alias_changes_who_answers(lam: Client) -> None:
    lam.update_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="2")
    assert invoke(lam, Qualifier="ACTIVE")[0] == "second"
    lam.update_alias(FunctionName="hello", Name="ACTIVE", FunctionVersion="1")
    assert invoke(lam, Qualifier="ACTIVE")[0] == "first"


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(("weight", "version"), [(1.0, "2"), (0.0, "1")])
def test_weights_decide_who_answers(lam: Client, weight: float, version: str) -> None:
    routing = {"AdditionalVersionWeights": {"2": weight}}
    lam.update_alias(FunctionName="hello", Name="ACTIVE", RoutingConfig=routing)
    assert invoke(lam, Qualifier="ACTIVE")[1]["ExecutedVersion"] == version


@pytest.mark.usefixtures("two")
def test_half_of_the_traffic_is_about_half(lam: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    chances = iter([0.49, 0.5, 0.0, 0.99])
    monkeypatch.setattr("sah.localaws.lambda_backend.random.random", lambda: next(chances))
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    lam.update_alias(FunctionName="hello", Name="ACTIVE", RoutingConfig=routing)
    said = [invoke(lam, Qualifier="ACTIVE")[0] for _ in range(4)]
    assert said == ["second", "first", "second", "first"]


def test_the_handler_sees_its_surroundings(lam: Client, server: LocalAws) -> None:
    code = (
        "import os\n"
        "def main(event, context):\n"
        "    print('a log line')\n"
        "    return [event, os.environ['STAGE'], os.environ['AWS_ENDPOINT_URL'],\n"
        "            os.environ['AWS_REGION'], context.function_version,\n"
        "            context.invoked_function_arn, context.get_remaining_time_in_millis() > 0]\n"
    )
    create_function(
        lam,
        Code={"ZipFile": make_zip(code, "src/app.py")},
        Handler="src/app.main",
        Environment={"Variables": {"STAGE": "dev"}},
        Publish=True,
    )
    said, answer = invoke(lam, Qualifier="1", Payload=b'{"n": 1}', LogType="Tail")
    assert said == [{"n": 1}, "dev", server.url, REGION, "1", f"{ARN}:1", True]
    assert base64.b64decode(answer["LogResult"]).strip() == b"a log line"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("app.js", "exports.main = async (event, context) => [event.n, context.functionVersion];"),
        ("app.mjs", "export const main = async (event, c) => [event.n, c.functionVersion];"),
        ("app.cjs", "exports.main = (event, c, done) => done(null, [event.n, c.functionVersion]);"),
    ],
)
def test_runs_node_too(lam: Client, name: str, code: str) -> None:
    create_function(
        lam, Runtime="nodejs20.x", Handler="app.main", Code={"ZipFile": make_zip(code, name)}
    )
    assert invoke(lam, Payload=b'{"n": 1}')[0] == [1, "$LATEST"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("def main(event, context): raise ValueError('no')", "ValueError"),
        ("def main(event, context): return object()", "TypeError"),
        ("import nowhere", "ModuleNotFoundError"),
        ("import os\ndef main(event, context): os._exit(3)", "Runtime.ExitError"),
    ],
)
def test_tells_what_went_wrong_in_a_function(lam: Client, code: str, kind: str) -> None:
    create_function(lam, Code={"ZipFile": make_zip(code)})
    said, answer = invoke(lam)
    assert answer["FunctionError"] == "Unhandled"
    assert answer["StatusCode"] == 200
    assert said["errorType"] == kind


def test_stops_a_function_when_its_time_is_over(
    lam: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sah.localaws.running.MAX_SECONDS", 0.25)
    code = "import time\ndef main(event, context): time.sleep(60)"
    create_function(lam, Code={"ZipFile": make_zip(code)})
    said, answer = invoke(lam)
    assert answer["FunctionError"] == "Unhandled"
    assert said["errorMessage"] == "Task timed out after 0.25 seconds"


@pytest.mark.parametrize(
    ("more", "kind"),
    [({"Runtime": "java21"}, "Runtime.Unsupported"), ({"Code": b"no zip"}, "Runtime.BadCode")],
)
def test_says_what_it_cannot_run(lam: Client, more: dict[str, Any], kind: str) -> None:
    if "Code" in more:
        more = {"Code": {"ZipFile": more["Code"]}}
    create_function(lam, **more)
    assert invoke(lam)[0]["errorType"] == kind


def test_does_not_wait_for_an_event(lam: Client, clients: Clients) -> None:
    sqs = clients.get("sqs")
    out = sqs.create_queue(QueueName="out")["QueueUrl"]
    code = (
        "import boto3\n"
        "def main(event, context):\n"
        f"    boto3.client('sqs').send_message(QueueUrl={out!r}, MessageBody=event['word'])\n"
    )
    create_function(lam, Timeout=10, Code={"ZipFile": make_zip(code)})
    sent = lam.invoke(FunctionName="hello", InvocationType="Event", Payload=b'{"word": "hi"}')
    assert (sent["StatusCode"], sent["Payload"].read()) == (202, b"")
    answers = sqs.receive_message(QueueUrl=out, WaitTimeSeconds=10)["Messages"]
    assert [answer["Body"] for answer in answers] == ["hi"]


def test_a_dry_run_runs_nothing(lam: Client) -> None:
    create_function(lam, Code={"ZipFile": b"no zip"})
    assert lam.invoke(FunctionName="hello", InvocationType="DryRun")["StatusCode"] == 204


def test_refuses_what_is_not_there(lam: Client) -> None:
    assert refuse(lam.invoke, FunctionName="nobody") == ("ResourceNotFoundException", 404)


def test_an_idle_version_fails_once(lam: Client, aws: LocalAws) -> None:
    create_function(lam, Publish=True)
    aws.set_state("hello", "1", state="Inactive", reason_code="Idle", region=REGION)
    params = {"FunctionName": "hello", "Qualifier": "1"}
    assert refuse(lam.invoke, **params) == ("ResourceNotReadyException", 502)
    assert invoke(lam, Qualifier="1")[0] == "first"


def test_a_failed_version_fails_always(lam: Client, aws: LocalAws) -> None:
    create_function(lam, Publish=True)
    aws.set_state("hello", "1", state="Failed", reason_code="ImageDeleted", region=REGION)
    params = {"FunctionName": "hello", "Qualifier": "1"}
    for _ in range(2):
        assert refuse(lam.invoke, **params) == ("ResourceConflictException", 409)
