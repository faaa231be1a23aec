"""The demo from start to end: an AWS, stacks on it, people, and the real app."""
# ruff: noqa: PLC0415 - what takes seconds to import is imported while the server starts

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
    stop,
    wait_until_it_answers,
)
from sah.demo.shop import HISTORY, STACK, next_release

if TYPE_CHECKING:
    from subprocess import Popen


def run_demo(folder: Path, *, port: int, aws_port: int) -> None:
    """Bring everything up, say so, and stay until SIGINT, SIGTERM or SIGHUP.

    :raises ConfigError: a port is taken, or the folder will not do.
    :raises ConflictError: a demo is running in the folder.
    :raises DemoFailedError: the app could not be brought up, or ended by itself.
    """
    with _ending_by_signal(), occupy(folder):
        port, aws_port = pick_port(port, "--port"), pick_port(aws_port, "--aws-port")
        with serving(folder, port) as server:
            _show(server, folder, f"http://{HOST}:{port}", aws_port)


def _show(server: "Popen[bytes]", folder: Path, url: str, aws_port: int) -> None:
    from sah.demo.filling import EMAIL, deploy_samples, fill_database
    from sah.localaws import LocalAws

    with LocalAws(aws_port, host=HOST) as aws:
        _say("deploying the sample stacks")
        deploy_samples(aws.url)
        _say("making the database and reading the stacks")
        password = fill_database(folder, aws.url)
        wait_until_it_answers(server, url)
        write_state(folder, DemoState(aws.url, url, HISTORY))
        for line in (f"url: {url}", f"email: {EMAIL}", f"password: {password}", f"aws: {aws.url}"):
            _print(line)
        _print("ready")
        try:
            _stay(server)
        finally:
            stop(server)  # before the AWS that it reads


def deploy_once_more(folder: Path, *, bad: bool) -> Iterator[str]:
    """Publish one more release of the shop into the running demo, and say what it changed.

    :raises ConflictError: no demo is running in the folder.
    """
    with open_state(folder) as state:
        from sah.demo.deploy import Deployer

        release = next_release(state.releases[-1].number + 1, bad=bad)
        releases = (*state.releases, release)
        Deployer(state.aws_url).deploy_shop(releases)
        write_state(folder, replace(state, releases=releases))
        yield f"Deployed release {release.number} to {STACK}: {release.title}"
        yield f"New versions of: {', '.join(release.changed)}"
        yield f"SAH reads it within a minute: {state.url}"


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
