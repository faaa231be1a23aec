"""Real deploys by osls 4 to the embedded AWS, with a SAH that only listens."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sah.localaws import LocalAws
from tests.plugin.conftest import install_plugin
from tests.plugin.service import NAME, REGION, Service

pytestmark = pytest.mark.thorough


class Sah:
    """It answers every report with the next number."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Any]] = []
        reports = self.reports

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                reports.append(json.loads(self.rfile.read(length)))
                number = len(reports)
                self.send_response(201)
                self.end_headers()
                body = {"number": number, "url": f"http://sah.test/deployments/{number}"}
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                """Keep standard error free."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/api/projects/3/deployments"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        yield aws


@pytest.fixture
def sah() -> Iterator[Sah]:
    made = Sah()
    yield made
    made.close()


@pytest.fixture
def shop(tmp_path: Path, frameworks: Path, node: str, aws: LocalAws, sah: Sah) -> Service:
    aws.reset()
    install_plugin(tmp_path)
    return Service(tmp_path, frameworks, node, aws.url, sah.url)


def test_what_the_framework_does_to_the_alias_is_reported(shop: Service, sah: Sah) -> None:
    shop.write("one", make_active=True)
    said = shop.run("deploy")
    assert "SAH: deployment #1 was recorded: http://sah.test/deployments/1" in said
    [report] = sah.reports
    assert report["command"] == "deploy"
    assert (report["service"], report["stage"], report["region"]) == ("shop", "dev", REGION)
    assert report["stack_id"].startswith(
        f"arn:aws:cloudformation:{REGION}:123456789012:stack/shop-dev"
    )
    assert report["framework_version"].startswith("osls 4.")
    assert (shop.alias(), shop.answer()) == (("1", {}), "one")
    shop.write("two", make_active=True)
    assert "deployment #2 was recorded" in shop.run("deploy")
    assert (shop.alias(), shop.answer()) == (("2", {}), "two")

    shop.write("three", make_active=True)
    said = shop.run("deploy", "function", "--function", "hello")
    assert "triggers stay on what ACTIVE serves" in said
    assert shop.answer() == "two"

    listed = shop.run("deploy", "list")
    stamps = [line.split(":")[1].strip() for line in listed.splitlines() if "Timestamp:" in line]
    said = shop.run("rollback", "--timestamp", stamps[0])
    assert "deployment #3 was recorded" in said
    assert sah.reports[-1]["command"] == "rollback"
    assert shop.answer() == "one"


def test_an_alias_that_shall_stay_stays_wherever_it_was_moved(
    shop: Service, sah: Sah, aws: LocalAws
) -> None:
    sah.close()
    shop.write("one", make_active=False)
    said = shop.run("deploy")
    assert f"{NAME} had no alias ACTIVE yet" in said
    assert "SAH was not told of this deploy" in said
    assert (shop.alias(), shop.answer()) == (("1", {}), "one")

    shop.write("two", make_active=False)
    assert f"ACTIVE of {NAME} stays where it is" in shop.run("deploy")
    assert (shop.alias(), shop.versions(), shop.answer()) == (("1", {}), ["1", "2"], "one")

    # Moved between packaging and deploying, as SAH may do at any time.
    shop.write("three", make_active=False)
    shop.run("package", "--package", "built")
    split = {"AdditionalVersionWeights": {"1": 0.25}}
    shop.lambda_.update_alias(
        FunctionName=NAME, Name="ACTIVE", FunctionVersion="2", RoutingConfig=split
    )
    shop.run("deploy", "--package", "built")
    assert (shop.alias(), shop.versions()) == (("2", {"1": 0.25}), ["1", "2", "3"])

    # Nobody knows where it is: nothing happens.
    shop.write("four", make_active=False)
    aws.fail_next("GetAlias", times=2, status=403, code="AccessDeniedException", message="No.")
    said = shop.run("deploy", status=1)
    assert "SAH never guesses, so nothing was deployed" in said
    assert (shop.alias(), shop.versions()) == (("2", {"1": 0.25}), ["1", "2", "3"])
