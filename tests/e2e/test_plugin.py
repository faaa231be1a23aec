"""From `osls deploy` to the rollback and back: the framework, the plugin, the app and an AWS."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests.e2e import processes
from tests.e2e.conftest import sah as running_sah
from tests.e2e.test_run import Server, serving
from tests.plugin.conftest import environment, frameworks, missing, node
from tests.plugin.service import NAME, Service

__all__ = ["frameworks", "node"]  # fixtures

pytestmark = pytest.mark.thorough

EMAIL = "ada@example.org"
ACCOUNT = ("local", "--region", "eu-west-1", "--access-key-id", "test", "--secret-stdin")


@dataclass(frozen=True)
class App:
    """A running SAH that looks after the service's stack."""

    server: Server
    folder: Path
    token: str

    def command(self, *arguments: str, entered: str = "") -> str:
        return run_sah(self.folder, *arguments, entered=entered)

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        headers = {"Authorization": f"Bearer {self.token}"}
        request = Request(f"{self.server.url}{path}", headers=headers)  # noqa: S310
        with build_opener(ProxyHandler({})).open(request, timeout=processes.PATIENCE_S) as answer:
            return json.load(answer)

    def newest(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/api/projects/1/deployments?limit=1")["items"][0]
        return found


def run_sah(folder: Path, *arguments: str, entered: str = "") -> str:
    done = subprocess.run(
        [*processes.SAH, *arguments, "--instance", str(folder)],
        input=entered,
        capture_output=True,
        text=True,
        check=False,
        timeout=processes.PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def aws_url() -> Iterator[str]:
    with running_sah("local-aws", "--port", "0") as aws:
        yield aws.said["aws"]


@pytest.fixture
def app(tmp_path: Path, aws_url: str) -> Iterator[App]:
    folder = tmp_path / "instance"
    with serving(folder) as server:
        run_sah(
            folder,
            *("users", "create", EMAIL, "--role", "admin", "--password-stdin"),
            entered="correct horse battery",
        )
        run_sah(folder, "accounts", "add", *ACCOUNT, "--endpoint-url", aws_url, entered="test")
        run_sah(folder, "projects", "add", "shop", "--account", "local", "--stack", "shop-dev")
        token = run_sah(folder, "tokens", "create", "ci", "--scope", "operate")
        yield App(server, folder, token)


@pytest.fixture
def service(tmp_path: Path, frameworks: Path, node: str, aws_url: str, app: App) -> Service:
    """The service, with the plugin installed from the app by npm, as its page says."""
    folder = tmp_path / "service"
    folder.mkdir()
    npm = shutil.which("npm")
    if npm is None:
        missing("npm")
    (folder / "package.json").write_text('{"name": "shop", "private": true}', encoding="utf-8")
    package = f"{app.server.url}/plugin/sah-plugin-0.1.0.tgz"
    subprocess.run(
        [str(npm), "install", "--save-dev", "--no-audit", "--no-fund", package],
        cwd=folder,
        env=environment(npm_config_update_notifier="false"),
        capture_output=True,
        check=True,
        timeout=processes.PATIENCE_S,
    )
    url = f"{app.server.url}/api/projects/1/deployments"
    made = Service(folder, frameworks, node, aws_url, url)
    made.token = app.token
    return made


def test_a_bad_deploy_is_rolled_back_and_the_next_one_moves_on(service: Service, app: App) -> None:
    service.write("one")
    assert "deployment #1 was recorded" in service.run("deploy")
    service.write("two")
    assert "deployment #2 was recorded" in service.run("deploy")
    processes.wait_until(lambda: app.newest()["live"] == "live", "the second deploy was read")
    second = app.newest()
    assert (second["number"], second["changed"], second["service"]) == (2, [NAME], "shop")
    assert service.answer() == "two"
    assert "Live: deployment #2" in service.run("sah", "status")

    said = service.run("sah", "rollback", "--reason", "It says two")
    assert "Operation 1 has begun" in said
    assert service.answer() == "one"
    operation = app.get("/api/operations/1")
    assert (operation["kind"], operation["to"], operation["status"]) == ("rollback", 1, "succeeded")
    assert "Live: deployment #1" in service.run("sah", "status")

    service.write("three")
    assert "deployment #3 was recorded" in service.run("deploy")
    assert service.answer() == "three"
    processes.wait_until(lambda: app.newest()["live"] == "live", "the third deploy was read")
    said = service.run("sah", "rollback", "--to", "99", "--reason", "No such one", status=1)
    assert "There is no deployment #99" in said
    assert service.answer() == "three"
