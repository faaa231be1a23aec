"""The server as a process: how it starts, refuses to, is killed and stopped."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.e2e.processes import PATIENCE_S, processes_about, sah, started, wait_until

ACCOUNT = ("accounts", "add", "production", "--region", "eu-west-1")


@dataclass(frozen=True)
class Server:
    process: "Popen[str]"
    url: str

    def get(self, path: str) -> tuple[int, str]:
        browser = build_opener(ProxyHandler({}))
        with browser.open(f"{self.url}{path}", timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()


@contextmanager
def serving(folder: Path, port: str = "0") -> Iterator[Server]:
    """Run SAH, by default on a free port, in a terminal of its own."""
    with started("run", "--port", port, "--instance", str(folder)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"SAH serves on (http://127\.0\.0\.1:\d+) \(Ctrl-C stops it\)\n", line)
        assert found, line
        yield Server(process, found[1])


def test_a_kill_loses_nothing_and_a_stop_leaves_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert server.get("/")[0] == 200
        assert sah(*ACCOUNT, "--instance", str(tmp_path)).returncode == 0
        server.process.kill()
        server.process.wait()
        port = server.url.rsplit(":", 1)[1]
        with serving(tmp_path, port) as again:  # at once, while its worker is left
            assert again.get("/")[0] == 200
            wait_until(lambda: len(processes_about(tmp_path)) == 2, "the old worker has ended")
            again.process.send_signal(signal.SIGTERM)
            _, said = again.process.communicate(timeout=PATIENCE_S)
    assert again.process.returncode == 0
    assert "Traceback" not in said
    assert processes_about(tmp_path) == []
    with sqlite3.connect(tmp_path / "sah.sqlite") as connection:
        assert connection.execute("SELECT name FROM account").fetchall() == [("production",)]
    connection.close()


def test_ctrl_c_ends_it_without_a_traceback(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert server.get("/")[0] == 200
        for process in processes_about(tmp_path):  # as a terminal does: to all of them
            os.kill(process, signal.SIGINT)
        _, said = server.process.communicate(timeout=PATIENCE_S)
    assert server.process.returncode == 0
    assert "Traceback" not in said
    assert processes_about(tmp_path) == []


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        port = server.url.rsplit(":", 1)[1]
        refused = sah("run", "--port", port, "--instance", str(tmp_path))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"SAH_HOST, SAH_PORT: SAH cannot listen on 127.0.0.1:{port}: Address already in use. "
        "Choose others with --host and --port.\n"
    )


def test_a_second_server_is_kept_off_the_instance(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        refused = sah("run", "--port", "0", "--instance", str(tmp_path))
        assert server.get("/healthz")[0] == 200
        assert sah("users", "list", "--instance", str(tmp_path)).returncode == 0
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"SAH_INSTANCE: another SAH serves {tmp_path} already. "
        "Stop it first: two would sync everything twice.\n"
    )


def test_clients_that_stop_midway_do_not_shut_others_out(tmp_path: Path) -> None:
    with serving(tmp_path) as server, ExitStack() as stack:
        place = ("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
        for _ in range(9):  # one more than there are threads
            stalled = stack.enter_context(socket.create_connection(place, PATIENCE_S))
            stalled.sendall(b"GET / HT")
        assert server.get("/healthz")[0] == 200
        server.process.send_signal(signal.SIGTERM)
        _, said = server.process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAH_PORT", "eighty"),
        ("SAH_ENCRYPTION_KEYS", "nonsense"),
        ("SAH_DATABASE_URL", "sqlite:////nonexistent/sah.sqlite"),
        ("SAH_PROT", "8000"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(
    tmp_path: Path, name: str, value: str
) -> None:
    refused = sah("run", "--instance", str(tmp_path), **({"SAH_PORT": "0"} | {name: value}))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert name in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_without_a_terminal_a_secret_is_not_asked_for(tmp_path: Path) -> None:
    key = ("--access-key-id", "AKIAEXAMPLE", "--instance", str(tmp_path))
    with started(*ACCOUNT, *key) as process:
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert said == (
        "There is no terminal to ask on: use --secret-stdin. See “sah accounts add --help”.\n"
    )


def test_the_help_imports_nothing_slow() -> None:
    slow = "{'flask', 'sqlalchemy', 'boto3', 'moto', 'rich', 'gunicorn'}"
    code = f"import sys, sah.cli; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_reader_that_leaves_early_is_no_error_of_ours(tmp_path: Path) -> None:
    command = f"{sys.executable} -m sah.cli users list --instance {tmp_path} | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
