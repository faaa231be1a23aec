"""The demo from start to end: an AWS, stacks on it, people, and the real app."""

import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sah import create_app
from sah.aws.gateway import AccessKind
from sah.config import load_settings
from sah.demo.deploy import HELLO_STACK, KEY, REGION, Deployer
from sah.demo.folder import DemoState, occupy, open_state, write_state
from sah.demo.server import HOST, DemoFailedError, pick_port, serving, stop, wait_until_it_answers
from sah.demo.shop import HISTORY, STACK, next_release
from sah.domain.access import RoleName
from sah.domain.aliases import DEFAULT_ALIAS
from sah.services.accounts import AccountDetails, add_account
from sah.services.people import create_user
from sah.services.projects import ProjectDetails, add_project
from sah.services.sync import sync_project

if TYPE_CHECKING:
    from subprocess import Popen

EMAIL = "admin@example.com"


def run_demo(folder: Path, *, port: int, aws_port: int) -> None:
    """Bring everything up, say so, and stay until SIGINT, SIGTERM or SIGHUP.

    :raises ConfigError: a port is taken, or the folder will not do.
    :raises ConflictError: a demo is running in the folder.
    :raises DemoFailedError: the app could not be brought up, or ended by itself.
    """
    with _ending_by_signal(), occupy(folder):
        port, aws_port = pick_port(port, "--port"), pick_port(aws_port, "--aws-port")
        url = f"http://{HOST}:{port}"
        # The server starts while the samples are deployed; it finds them in its database.
        with serving(folder, port) as server, _aws(aws_port) as aws_url:
            _say("deploying the sample stacks")
            _deploy_samples(aws_url)
            _say("making the database and reading the stacks")
            password = _fill_database(folder, aws_url)
            wait_until_it_answers(server, url)
            write_state(folder, DemoState(aws_url, url, HISTORY))
            _print(f"url: {url}", f"email: {EMAIL}", f"password: {password}", f"aws: {aws_url}")
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
        release = next_release(state.releases[-1].number + 1, bad=bad)
        releases = (*state.releases, release)
        Deployer(state.aws_url).deploy_shop(releases)
        write_state(folder, replace(state, releases=releases))
        yield f"Deployed release {release.number} to {STACK}: {release.title}"
        yield f"New versions of: {', '.join(release.changed)}"
        yield f"SAH reads it within a minute: {state.url}"


@contextmanager
def _aws(port: int) -> Iterator[str]:
    from sah.localaws import LocalAws  # noqa: PLC0415 - only where moto is installed

    with LocalAws(port, host=HOST) as aws:
        yield aws.url


def _deploy_samples(aws_url: str) -> None:
    from sah.demo.history import backdate, backdate_hello  # noqa: PLC0415 - it needs moto

    now = datetime.now(UTC)
    deployer = Deployer(aws_url)
    deployer.deploy_hello()
    backdate_hello(now)
    deployer.create_shop()
    for count, release in enumerate(HISTORY, 1):
        deployer.deploy_shop(HISTORY[:count])
        backdate(release, now)


def _fill_database(folder: Path, aws_url: str) -> str:
    """Make the admin, the account and the projects, and sync; give the admin's password."""
    settings = load_settings(folder, environ={})
    password = secrets.token_urlsafe(12)
    with create_app(replace(settings, log_level="warning")).app_context():
        create_user(EMAIL, password, RoleName.ADMIN)
        account = add_account(
            AccountDetails(
                name="demo",
                region=REGION,
                access_kind=AccessKind.ACCESS_KEY,
                access_key_id=KEY,
                secret_access_key=KEY,
                endpoint_url=aws_url,
            )
        )
        for stack in (STACK, HELLO_STACK):
            project = add_project(ProjectDetails(stack, account.id, stack, DEFAULT_ALIAS))
            report = sync_project(project.id)
            if not report.worked:
                raise DemoFailedError(f"{stack} could not be read: {report.error or report.failed}")
    return password


@contextmanager
def _ending_by_signal() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the demo as Ctrl-C does: in order."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        _say("ended")


def _stay(server: "Popen[bytes]") -> None:
    while server.poll() is None:
        time.sleep(0.2)
    raise DemoFailedError("The server ended by itself.", "See what it said above.")


def _print(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201 - the command's output


def _say(what: str) -> None:
    """Tell on standard error what takes the time; nobody has to read it."""
    print(f"demo: {what}", file=sys.stderr, flush=True)  # noqa: T201
