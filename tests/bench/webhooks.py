"""The webhook under load, against bare Flask views that insert a row, under the same gunicorn."""

import statistics
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from sah.domain.deployments import DeploymentStatus
from tests.bench.load import Load, make_request, put_under_load
from tests.bench.measured import Measured
from tests.bench.world import Aws
from tests.site import Server, Site, make_site, serving, start_server

CONNECTIONS = 8
PAIRS = 5
SECONDS = 2.0
_FUNCTIONS = 60
_WARM_UP_S = 1.0
_LEAST_SHARE = 0.5
_MOST_P99 = 4.0
_BODY = (
    b'{"commit": "0123456789abcdef0123456789abcdef01234567", "branch": "main", '
    b'"author": "Ada", "message": "Fill the cart"}'
)


@dataclass(frozen=True)
class _Target:
    """One server and what to send to it."""

    server: Server
    request: bytes

    def load(self, seconds: float) -> Load:
        load = put_under_load(
            self.server.port, self.request, connections=CONNECTIONS, seconds=seconds
        )
        assert set(load.statuses) == {201}, load.statuses
        return load


@dataclass(frozen=True)
class _Speed:
    """The medians of several loads."""

    per_second: float
    p99_ms: float

    def __str__(self) -> str:
        return f"{self.per_second:.0f} a second, p99 {self.p99_ms:.0f} ms"


def measure_webhooks(aws: Aws, folder: Path) -> list[Measured]:
    """Take turns with the bare views, while what is reported is captured from AWS."""
    aws.add_stack("shop", _FUNCTIONS)
    site = make_site(folder, aws.url, "shop")
    (folder / "bare").mkdir()
    bare = start_server(
        ["-m", "tests.bench.bare"],
        folder / "bare",
        BARE_DATABASE=str(folder / "bare" / "rows.sqlite"),
    )
    try:
        with serving(site) as server:
            plain = {"Content-Type": "application/json"}
            webhook = _Target(server, make_request(site.webhook, _BODY, site.headers))
            rows = _Target(bare, make_request("/rows", _BODY, plain))
            raw = _Target(bare, make_request("/raw", _BODY, plain))
            speeds = _take_turns([rows, webhook, raw])
    finally:
        bare.kill_all()
    return [*_judge(*speeds), _count_captured(site)]


def _take_turns(targets: list[_Target]) -> list[_Speed]:
    for target in targets:
        target.load(_WARM_UP_S)
    loads: list[list[Load]] = [[] for _ in targets]
    for _ in range(PAIRS):
        for target, found in zip(targets, loads, strict=True):
            found.append(target.load(SECONDS))
    return [
        _Speed(
            statistics.median(load.per_second for load in found),
            statistics.median(load.percentile_s(0.99) for load in found) * 1000,
        )
        for found in loads
    ]


def _judge(rows: _Speed, webhook: _Speed, raw: _Speed) -> list[Measured]:
    share = webhook.per_second / rows.per_second
    slower = webhook.p99_ms / rows.p99_ms
    return [
        Measured("bare view, Flask-SQLAlchemy", str(rows)),
        Measured(
            "webhook",
            f"{webhook.per_second:.0f} a second = {share:.2f} of it",
            f"≥ {_LEAST_SHARE} of it",
            share >= _LEAST_SHARE,
        ),
        Measured(
            "webhook, p99",
            f"{webhook.p99_ms:.0f} ms = {slower:.2f} times",
            f"< {_MOST_P99:.0f} times",
            slower < _MOST_P99,
        ),
        Measured(
            "bare view, sqlite3 by hand",
            f"{raw}: the webhook is {webhook.per_second / raw.per_second:.2f} of it",
        ),
    ]


def _count_captured(site: Site) -> Measured:
    """Say how many were captured meanwhile; what came last may still wait."""
    engine = sa.create_engine(f"sqlite:///{site.folder / 'sah.sqlite'}")
    with engine.connect() as connection:
        statuses = list(connection.scalars(sa.text("SELECT status FROM deployment")))
    engine.dispose()
    captured = statuses.count(DeploymentStatus.CAPTURED)
    return Measured(
        "webhooks captured meanwhile", f"{captured} of {len(statuses)}", "some", captured > 0
    )
