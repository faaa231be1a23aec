"""The real app in a process of its own, which never outlives the demo."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sah.domain.errors import ConfigError, SahError

HOST = "127.0.0.1"
_START_S = 60.0
_STOP_S = 5.0
# Of the settings around, only these are for a demo too: never the database of a real SAH.
_KEPT = {"SAH_LOG_LEVEL", "SAH_LOG_FORMAT", "SAH_THREADS", "SAH_SYNC_INTERVAL"}


class DemoFailedError(SahError):
    """The demo could not be brought up, or ended by itself."""

    code = "demo"


def pick_port(port: int, option: str) -> int:
    """Check that a port is free; 0 picks one.

    :raises ConfigError: the port is taken.
    """
    try:
        with socket.create_server((HOST, port)) as probe:
            return int(probe.getsockname()[1])
    except OSError as error:
        raise ConfigError(
            f"Port {port} cannot be listened on: {os.strerror(error.errno or 0)}.",
            f"Choose another one with {option}.",
        ) from error


@contextmanager
def serving(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Serve the app of a folder; whatever happens, no process of it is left afterwards.

    The server ends when its standard input does, so also when this process is killed.
    It is in a session of its own, so that Ctrl-C reaches this process only.
    """
    kept = {name: os.environ[name] for name in _KEPT & os.environ.keys()}
    others = {name: value for name, value in os.environ.items() if not name.startswith("SAH_")}
    place = ["--host", HOST, "--port", str(port), "--instance", str(folder)]
    server = subprocess.Popen(  # noqa: S603 - our own program, with values of our own
        [sys.executable, "-m", "sah.cli", "run", *place, "--until-stdin-ends"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=others | {"SAH_LOG_LEVEL": "warning"} | kept,
        start_new_session=True,
    )
    try:
        yield server
    finally:
        stop(server)


def wait_until_it_answers(server: "subprocess.Popen[bytes]", url: str) -> None:
    """Wait for the app's log-in page.

    :raises DemoFailedError: the server ended, or gave no answer for a minute.
    """
    # Never through a proxy that this machine may be told to use.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    give_up_at = time.monotonic() + _START_S
    while time.monotonic() < give_up_at:
        if server.poll() is not None:
            raise DemoFailedError("The server ended while it was starting.", "See what it said.")
        with suppress(OSError, urllib.error.URLError), opener.open(f"{url}/login", timeout=5):
            return
        time.sleep(0.1)
    raise DemoFailedError(f"The server did not answer on {url} within a minute.")


def stop(server: "subprocess.Popen[bytes]") -> None:
    """Stop the server and all that is in its session; does nothing the second time."""
    if server.returncode is not None:
        return
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(_STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    if server.stdin:
        server.stdin.close()
