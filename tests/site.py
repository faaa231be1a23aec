"""SAH as it is run: an instance with one project, and servers in processes of their own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sah import create_app
from sah.aws.gateway import AccessKind
from sah.config import load_settings
from sah.domain.aliases import DEFAULT_ALIAS
from sah.domain.tokens import Scope
from sah.extensions import db
from sah.services.accounts import AccountDetails, add_account
from sah.services.projects import ProjectDetails, add_project
from sah.services.tokens import TokenDetails, create_token
from tests.databases import make_database
from tests.fakes import REGION

_START_S = 60.0


@dataclass(frozen=True)
class Site:
    """One instance, whose only project is a stack, and a token to report deploys with."""

    folder: Path
    database_url: str
    project_id: int
    token: str

    @property
    def webhook(self) -> str:
        """Where deploys are reported."""
        return f"/api/projects/{self.project_id}/deployments"

    @property
    def headers(self) -> dict[str, str]:
        """What a report has to carry."""
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}


def make_site(folder: Path, aws_url: str, stack: str) -> Site:
    """Make the instance; nothing has been read from AWS yet."""
    database_url = make_database(folder)
    settings = {"SAH_LOG_LEVEL": "warning", "SAH_DATABASE_URL": database_url}
    app = create_app(load_settings(folder, settings))
    with app.app_context():
        keys = AccountDetails(
            "local", REGION, AccessKind.ACCESS_KEY, "", "", "test", "test", aws_url
        )
        project = add_project(ProjectDetails(stack, add_account(keys).id, stack, DEFAULT_ALIAS))
        token = create_token(TokenDetails("pipeline", Scope.DEPLOY, project.id), "tests")
        site = Site(folder, database_url, project.id, token.secret)
        db.session.remove()
        db.engine.dispose()
    return site


@dataclass
class Server:
    """A server process, the leader of a group of its own: gunicorn's master."""

    process: "subprocess.Popen[str]"
    port: int

    @property
    def workers(self) -> list[int]:
        """List the process ids of its workers."""
        master = self.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii")
        return [int(pid) for pid in children.split()]

    def kill_all(self) -> None:
        """Kill master and workers at once, with -9."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def kill_master(self) -> None:
        """Kill the master alone; its worker ends once it notices."""
        self.process.kill()
        self.process.wait()

    def kill_workers(self) -> None:
        """Kill the workers alone; the master starts others."""
        for pid in self.workers:
            os.kill(pid, signal.SIGKILL)


@contextmanager
def serving(site: Site, port: int = 0) -> Iterator[Server]:
    """Serve a site as ``make run`` does; its log goes to a file in the instance."""
    command = ["-m", "sah.cli", "run", "--port", str(port)]
    server = start_server(command, site.folder, SAH_DATABASE_URL=site.database_url)
    try:
        yield server
    finally:
        server.kill_all()


def start_server(arguments: list[str], folder: Path, **environ: str) -> Server:
    """Run Python with these arguments; it has to say on a line where it serves."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SAH_")}
    with (folder / "log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=ours | {"SAH_INSTANCE": str(folder)} | environ,
            start_new_session=True,
        )
    return Server(process, _read_port(process))


def _read_port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    watchdog = threading.Timer(_START_S, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                return int(found[1])
    finally:
        watchdog.cancel()
    raise AssertionError(f"the server ended with {process.wait()} before it listened")
