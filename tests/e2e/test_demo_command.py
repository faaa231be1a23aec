import json
import re
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, build_opener

import pytest

from tests.e2e.processes import PATIENCE_S, processes_about, sah, started, wait_until

SHOP = "shop-prod"


@dataclass(frozen=True)
class Demo:
    folder: Path
    lines: list[str]

    def value(self, name: str) -> str:
        return next(line for line in self.lines if line.startswith(f"{name}: ")).split(": ", 1)[1]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo") / "instance"
    arguments = ("demo", "--port", "0", "--aws-port", "0", "--instance", str(folder))
    with started(*arguments) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip("\n") for _ in range(6)]
        yield Demo(folder, lines)
        process.send_signal(signal.SIGTERM)
        rest, said = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, rest) == (0, "")
    assert "Traceback" not in said
    assert processes_about(folder) == []
    assert not (folder / "demo.json").exists()


def log_in(demo: Demo) -> OpenerDirector:
    browser = build_opener(HTTPCookieProcessor(CookieJar()), ProxyHandler({}))
    url = f"{demo.value('url')}/login"
    page = browser.open(url, timeout=PATIENCE_S).read().decode()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token
    fields = {
        "csrf_token": token[1],
        "email": demo.value("email"),
        "password": demo.value("password"),
    }
    answer = browser.open(url, urlencode(fields).encode(), timeout=PATIENCE_S)
    assert not answer.geturl().endswith("/login")
    return browser


def test_it_prints_where_to_go_and_nothing_else(demo: Demo) -> None:
    patterns = (
        r"url: http://127\.0\.0\.1:\d+",
        r"email: \S+@\S+",
        r"password: \S{10,}",
        r"token: sah_[0-9a-f]{64}",
        r"aws: http://127\.0\.0\.1:\d+",
        r"ready",
    )
    assert len(demo.lines) == len(patterns)
    for line, pattern in zip(demo.lines, patterns, strict=True):
        assert re.fullmatch(pattern, line)


def test_one_can_log_in_and_see_the_shop(demo: Demo) -> None:
    browser = log_in(demo)
    page = browser.open(f"{demo.value('url')}/projects", timeout=PATIENCE_S).read().decode()
    assert SHOP in page
    assert "aws-python-rest-api-dev" in page


def test_the_shop_was_read_before_it_was_ready(demo: Demo) -> None:
    shown = sah("projects", "show", SHOP, "--output", "json", "--instance", str(demo.folder))
    assert shown.returncode == 0, shown.stderr
    assert {"shop-prod-checkout", "shop-prod-orders"} <= {
        function["name"] for function in json.loads(shown.stdout)["functions"]
    }


def test_a_bad_deployment_can_be_published_and_is_read(demo: Demo) -> None:
    bad = sah("demo-deploy", "--bad", "--instance", str(demo.folder))
    assert bad.returncode == 0, bad.stderr
    assert "bad: every order fails" in bad.stdout
    number = re.search(r"SAH has it as #(\d+)", bad.stdout)
    assert number, bad.stdout
    wait_until(lambda: is_live(demo, int(number[1])), "the deployment was read")


def is_live(demo: Demo, number: int) -> bool:
    listed = sah(
        "deployments", SHOP, "--limit", "1", "--output", "json", "--instance", str(demo.folder)
    )
    (newest,) = json.loads(listed.stdout)
    return (newest["number"], newest["state"]) == (number, "live")


def test_a_second_demo_in_the_folder_is_refused(demo: Demo) -> None:
    second = sah("demo", "--instance", str(demo.folder))
    assert second.returncode == 1
    assert second.stderr == (
        f"A demo is running in {demo.folder} already. Use it, or give another --instance.\n"
    )


@pytest.mark.parametrize("option", ["--port", "--aws-port"])
def test_a_taken_port_is_one_sentence(demo: Demo, tmp_path: Path, option: str) -> None:
    taken = demo.value("url").rsplit(":", 1)[1]
    free = {"--port": "0", "--aws-port": "0"} | {option: taken}
    options = [text for pair in free.items() for text in pair]
    refused = sah("demo", *options, "--instance", str(tmp_path))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"Port {taken} cannot be listened on: Address already in use. "
        f"Choose another one with {option}.\n"
    )


def test_the_folder_of_a_real_sah_is_not_touched(tmp_path: Path) -> None:
    database = tmp_path / "sah.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE precious (x)")
    connection.close()
    before = database.read_bytes()
    refused = sah("demo", "--instance", str(tmp_path))
    assert refused.returncode == 1
    assert "holds the database of another SAH" in refused.stderr
    assert database.read_bytes() == before


def test_a_deployment_without_a_demo_is_one_sentence(tmp_path: Path) -> None:
    refused = sah("demo-deploy", "--instance", str(tmp_path))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"No demo is running in {tmp_path}. Start one with: sah demo\n"


def test_a_killed_demo_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "instance"
    arguments = ("demo", "--port", "0", "--aws-port", "0", "--instance", str(folder))
    with started(*arguments) as process:
        wait_until(lambda: len(processes_about(folder)) > 2, "the server has a worker")
        process.kill()
        process.wait()
        wait_until(lambda: not processes_about(folder), "the server is gone")
