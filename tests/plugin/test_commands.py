"""The plugin's commands, by the real command line of every framework."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import environment, install_plugin
from tests.plugin.kinds import NEWEST, OLDER

pytestmark = pytest.mark.thorough

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TOKEN = "sah_secret"
OPERATION: dict[str, Any] = {
    "id": 12,
    "url": "http://sah.test/operations/12",
    "to": 40,
    "moves": [],
}
ENDS: dict[str, dict[str, Any]] = {
    "good": {"status": "succeeded", "progress": {"total": 3, "verified": 3}},
    "bad": {"status": "put_back", "error": "1 of 3 failed"},
}
PROJECT = {
    "name": "shop",
    "stack": "shop-dev",
    "region": "us-east-1",
    "alias": "ACTIVE",
    "url": "http://sah.test/3",
}
FUNCTIONS = [{"name": "shop-dev-hello", "live": {"version": "7", "weights": {}}}]
ANSWERS: dict[str, dict[str, Any]] = {
    "/api/projects/3": PROJECT,
    "/api/projects/3/functions": {"items": FUNCTIONS, "next_cursor": None},
    "/api/projects/3/deployments": {"items": [{"number": 41, "live": "live"}]},
}


class Answer(BaseHTTPRequestHandler):
    """A SAH in which each operation ends as its reason says."""

    ended: dict[str, Any]

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).ended = OPERATION | {"finished_at": "now"} | ENDS[asked["reason"]]
        self.answer(202, OPERATION | {"status": "running", "finished_at": None})

    def do_GET(self) -> None:
        path = self.path.split("?", maxsplit=1)[0]
        self.answer(200, self.ended if "operations" in path else ANSWERS[path])

    def answer(self, status: int, body: dict[str, Any]) -> None:
        assert self.headers["Authorization"] == f"Bearer {TOKEN}"
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Keep standard error free."""


@pytest.fixture(scope="module")
def sah() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=[NEWEST, *OLDER])
def run(
    request: pytest.FixtureRequest, tmp_path: Path, frameworks: Path, node: str, sah: str
) -> Run:
    """Run the framework's command line on a service, whose settings the test gives."""
    install_plugin(tmp_path)
    (tmp_path / "handler.js").write_text("exports.hello = async () => 'hello';\n", encoding="utf-8")
    command = [node, str(frameworks / request.param / "bin" / "serverless.js")]

    def call(
        *arguments: str, later: str | None = None, **settings: object
    ) -> "subprocess.CompletedProcess[str]":
        hello = {"handler": "handler.hello", "events": [{"http": "GET /"}]}
        service = {
            "service": "shop",
            "provider": {"name": "aws", "runtime": "nodejs20.x"},
            "plugins": ["sah-plugin", *([later] if later else [])],
            "custom": {"sah": {"sahUrl": sah, "sahProject": 3, "sahToken": TOKEN, **settings}},
            "functions": {"hello": hello},
        }
        (tmp_path / "serverless.yml").write_text(json.dumps(service), encoding="utf-8")
        return subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


def test_commands_talk_to_the_app_and_say_by_their_status_how_it_went(run: Run) -> None:
    done = run("sah", "status")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:4] == [
        "shop: stack shop-dev, alias ACTIVE",
        "Live: deployment #41",
        "shop-dev-hello  live 7  newest none",
        "http://sah.test/3",
    ]
    good = run("sah", "rollback", "--reason", "good")
    assert good.returncode == 0, good.stderr
    assert "Rolled back to deployment #40: 3 of 3 aliases moved and read back" in good.stdout
    bad = run("sah", "rollback", "--to", "40", "--reason", "bad")
    assert bad.returncode == 1
    said = bad.stdout + bad.stderr
    assert "every alias is back where it was (1 of 3 failed)" in said
    assert "    at " not in said  # a stack trace
    other = run("sah", "rollback", "--reason", "good", "--stage", "prod")
    assert other.returncode == 1
    said = other.stdout + other.stderr
    assert "Nothing was moved: the project shop in SAH looks after the stack shop-dev" in said


def test_check_packages_and_says_what_would_stay_on_latest(run: Run, tmp_path: Path) -> None:
    fine = run("sah", "check")
    # What the framework uploads beside the code: readable by whoever may read the bucket.
    state = (tmp_path / ".serverless" / "serverless-state.json").read_text(encoding="utf-8")
    assert '"sah"' in state
    assert TOKEN not in state
    assert fine.returncode == 0, fine.stderr
    assert "SAH: " not in fine.stderr
    assert "Nothing stays on $LATEST: every trigger goes to ACTIVE." in fine.stdout
    stays = run("sah", "check", makeLambdasActive=False)
    assert stays.returncode == 0
    assert "SAH: " not in stays.stderr  # nobody is asked where the alias is
    left = run("sah", "check", useActiveAliasInEvents=False)
    assert left.returncode == 1
    said = left.stdout + left.stderr
    assert "AWS::ApiGateway::Method ApiGatewayMethodGet invokes hello on $LATEST" in said
    assert "    at " not in said


def test_check_sees_what_plugins_add_that_act_later(run: Run) -> None:
    left = run("sah", "check", later="late-plugin")
    assert left.returncode == 1
    said = left.stdout + left.stderr
    assert "AWS::Events::Rule Late invokes hello on $LATEST" in said
    assert "AWS::Events::Rule Later invokes hello on $LATEST" in said


def test_mistakes_stop_the_packaging_with_a_sentence(run: Run) -> None:
    wrong = run("package", activeAliasName="$LATEST")
    assert wrong.returncode == 1
    said = wrong.stdout + wrong.stderr
    assert "activeAliasName has to be the name of a Lambda alias" in said
    assert TOKEN not in said
    assert "    at " not in said


def test_a_package_that_cannot_ask_lambda_can_be_deployed_by_nothing_else(run: Run) -> None:
    done = run("package", makeLambdasActive=False)
    assert done.returncode == 0, done.stderr
    assert "can be deployed by nothing else" in done.stdout + done.stderr
