"""The demo from start to end: an AWS, stacks on it, people, and the real app."""
# ruff: noqa: PLC0415 - what takes seconds to import is imported when it is needed

import gc
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sah.demo.folder import DemoState, occupy, open_state, write_state
from sah.demo.server import (
    HOST,
    DemoFailedError,
    pick_port,
    serving,
    wait_until_it_answers,
)
from sah.demo.shop import HISTORY, STACK, next_release

if TYPE_CHECKING:
    from subprocess import Popen

    from sah.demo.filling import Credentials


def run_demo(folder: Path, *, port: int, aws_port: int) -> None:
    """Bring everything up, say so, and stay until SIGINT, SIGTERM or SIGHUP.

    :raises ConfigError: a port is taken, or the folder will not do.
    :raises ConflictError: a demo is running in the folder.
    :raises DemoFailedError: the app could not be brought up, or ended by itself.
    """
    with _ending_by_signal(), occupy(folder):
        port, aws_port = pick_port(port, "--port"), pick_port(aws_port, "--aws-port")
        _show(folder, port, aws_port)


def _show(folder: Path, port: int, aws_port: int) -> None:
    from sah.demo.filling import fill_demo
    from sah.localaws import LocalAws

    with LocalAws(aws_port, host=HOST) as aws:
        _say("deploying the sample stacks, one release after the other")
        made = fill_demo(folder, aws.url)
        _say("starting the server")
        url = f"http://{HOST}:{port}"
        with serving(folder, port) as server:  # ended before the AWS that it reads
            wait_until_it_answers(server, url)
            write_state(folder, DemoState(aws.url, url, made.token, made.shop_id, HISTORY))
            _tell(url, made, aws.url)
            _stay(server)


def _tell(url: str, made: "Credentials", aws_url: str) -> None:
    """Say where to go and how to get in, each on a line of its own."""
    from sah.demo.filling import EMAIL

    _print(f"url: {url}")
    _print(f"email: {EMAIL}")
    _print(f"password: {made.password}")
    _print(f"token: {made.token}")
    _print(f"aws: {aws_url}")
    _print("ready")


def deploy_once_more(folder: Path, *, bad: bool) -> Iterator[str]:
    """Publish one more release of the shop into the running demo, and say what it changed.

    :raises ConflictError: no demo is running in the folder.
    """
    with open_state(folder) as state:
        from sah.demo.deploy import Deployer
        from sah.demo.webhook import report_release

        release = next_release(state.releases[-1].number + 1, bad=bad)
        releases = (*state.releases, release)
        Deployer(state.aws_url).deploy_shop(releases)
        write_state(folder, replace(state, releases=releases))
        yield f"Deployed release {release.number} to {STACK}: {release.title}"
        yield f"New versions of: {', '.join(release.changed)}"
        yield report_release(state, release)


@contextmanager
def _ending_by_signal() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the demo as Ctrl-C does: in order."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        _say("ended")
    # Else Python takes seconds to collect moto's modules before it ends.
    gc.freeze()


def _stay(server: "Popen[bytes]") -> None:
    while server.poll() is None:
        time.sleep(0.2)
    raise DemoFailedError("The server ended by itself.", "See what it said above.")


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the command's output


def _say(what: str) -> None:
    """Tell on standard error what takes the time; nobody has to read it."""
    print(f"demo: {what}", file=sys.stderr, flush=True)  # noqa: T201
