"""No report of a deploy that was answered is lost or doubled, however often SAH is killed."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from sah.domain.deployments import DeploymentStatus
from sah.localaws import LocalAws
from tests.aws.world import LocalWorld
from tests.e2e.processes import wait_until
from tests.site import Server, Site, make_site, serving

REPORTS = 2000
CONNECTIONS = 6
KILLS: list[Callable[[Server], None]] = [
    Server.kill_all,
    Server.kill_workers,
    Server.kill_master,
]
_PATIENCE_S = 180
# Between two tries of a pipeline.
_RETRY_S = 0.05


@dataclass
class Pipelines:
    """Report deploys over several connections, each until it is answered; keep the answers."""

    site: Site
    port: int
    answered: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    unanswered: int = 0
    _keys: Iterator[str] = field(default_factory=lambda: map(str, range(REPORTS)))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Report within the block."""
        threads = [threading.Thread(target=self._work) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def have_answers(self, count: int) -> bool:
        """Say whether so many were answered, or refused."""
        return len(self.answered) + len(self.refused) >= count

    def _work(self) -> None:
        connection = self._connect()
        for key in iter(self._next_key, None):
            while not self._report(connection, key):
                connection.close()
                connection = self._connect()
                if self._over.wait(_RETRY_S):
                    return
        connection.close()

    def _next_key(self) -> str | None:
        with self._lock:
            return next(self._keys, None)

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)

    def _report(self, connection: http.client.HTTPConnection, key: str) -> bool:
        headers = self.site.headers | {"Idempotency-Key": key}
        try:
            connection.request("POST", self.site.webhook, b"{}", headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self.unanswered += 1
            return False
        if answer.status == http.client.CREATED:
            self.answered[key] = json.loads(body)["number"]
        else:
            self.refused.append(f"{answer.status} {body!r}")
        return True


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A project on an embedded AWS that nothing has been read of yet."""
    with LocalAws() as aws:
        LocalWorld(aws).add_stack("shop", {"shop-cart": 1, "shop-checkout": 1, "shop-search": 1})
        yield make_site(tmp_path, aws.url, "shop")


def read_deployments(site: Site) -> list[tuple[int, str | None, str]]:
    """Read number, key and status of every deployment, past the server."""
    engine = sa.create_engine(site.database_url)
    with engine.connect() as connection:
        text = sa.text("SELECT number, idempotency_key, status FROM deployment ORDER BY number")
        rows = [(row[0], row[1], row[2]) for row in connection.execute(text)]
    engine.dispose()
    return rows


def report_while_killing(site: Site) -> Pipelines:
    """Report everything; whenever another quarter is answered, kill the server and restart it."""
    with ExitStack() as stack:
        server = stack.enter_context(serving(site))
        pipelines = Pipelines(site, server.port)
        with pipelines.running():
            for quarter, kill in enumerate(KILLS, 1):
                wait_until(partial(pipelines.have_answers, quarter * REPORTS // 4), "they answered")
                kill(server)
                if kill is not Server.kill_workers:  # the master starts another one by itself
                    server = stack.enter_context(serving(site, server.port))
            wait_until(partial(pipelines.have_answers, REPORTS), "all were answered")
        wait_until(lambda: count_waiting(site) == 0, "all were captured")
    return pipelines


def count_waiting(site: Site) -> int:
    """Count the deployments that were not captured yet."""
    return sum(status != DeploymentStatus.CAPTURED for _, _, status in read_deployments(site))


def test_every_report_that_was_answered_is_there_once_and_captured(site: Site) -> None:
    pipelines = report_while_killing(site)
    rows = read_deployments(site)
    keys = [key for _, key, _ in rows if key is not None]
    assert pipelines.refused == []
    assert pipelines.unanswered > 0, "no kill hit a report"
    assert (len(keys), len(set(keys))) == (REPORTS, REPORTS)
    assert {key: number for number, key, _ in rows if key is not None} == pipelines.answered
    assert [number for number, _, _ in rows] == list(range(1, len(rows) + 1))
