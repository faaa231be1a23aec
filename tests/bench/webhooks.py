"""The webhook under load, against bare Flask views that insert a row, under the same gunicorn."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import sqlalchemy as sa

from sah.domain.deployments import DeploymentStatus
from tests.bench.load import Load, make_request, put_under_load
from tests.bench.measured import Measured
from tests.bench.world import Aws
from tests.site import Server, Site, make_site, serving, start_server

CONNECTIONS = 8
TURNS = 7
SECONDS = 2.0
_FUNCTIONS = 60
_WARM_UP_S = 1.0
_LEAST_SHARE = 0.5
_MOST_P99 = 4.0
_OPENED, _ORM, _KEPT = "sqlite3 opened by each request", "Flask-SQLAlchemy", "sqlite3 kept open"
# The first two are how such a view is written; the last shows how far one can go by hand.
_BARE = {_OPENED: "/opened", _ORM: "/orm", _KEPT: "/kept"}
_JUDGED = (_OPENED, _ORM)
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
            views = {
                name: _Target(bare, make_request(path, _BODY, plain))
                for name, path in _BARE.items()
            }
            own, loads = _take_turns(webhook, views)
    finally:
        bare.kill_all()
    return [*_judge(own, loads), _count_captured(site)]


def _take_turns(
    webhook: _Target, views: dict[str, _Target]
) -> tuple[list[Load], dict[str, list[Load]]]:
    """Load each in turn again and again, as the machine may be busier now than a minute ago."""
    for target in (webhook, *views.values()):
        target.load(_WARM_UP_S)
    own: list[Load] = []
    loads: dict[str, list[Load]] = {name: [] for name in views}
    for _ in range(TURNS):
        own.append(webhook.load(SECONDS))
        for name, view in views.items():
            loads[name].append(view.load(SECONDS))
    return own, loads


def _judge(own: list[Load], loads: dict[str, list[Load]]) -> list[Measured]:
    return [
        Measured("webhook", _describe(own)),
        *(Measured(f"bare view, {name}", _describe(found)) for name, found in loads.items()),
        *(_judge_speed(own, found, name) for name, found in loads.items()),
        *(_judge_p99(own, found, name) for name, found in loads.items()),
    ]


def _describe(loads: list[Load]) -> str:
    return f"{median(load.per_second for load in loads):.0f} a second, p99 {_p99_ms(loads):.0f} ms"


def _p99_ms(loads: list[Load]) -> float:
    return median(load.percentile_s(0.99) for load in loads) * 1000


def _judge_speed(own: list[Load], bare: list[Load], name: str) -> Measured:
    share = _compare(own, bare, lambda load: load.per_second)
    value = f"{share:.2f} of its speed"
    if name not in _JUDGED:
        return Measured(f"webhook against {name}", value)
    return Measured(
        f"webhook against {name}", value, f"≥ {_LEAST_SHARE} of it", share >= _LEAST_SHARE
    )


def _judge_p99(own: list[Load], bare: list[Load], name: str) -> Measured:
    times = _compare(own, bare, lambda load: load.percentile_s(0.99))
    return Measured(
        f"p99 against {name}",
        f"{times:.2f} times",
        f"< {_MOST_P99:.0f} times",
        times < _MOST_P99,
    )


def _compare(own: list[Load], bare: list[Load], figure: Callable[[Load], float]) -> float:
    """Compare what was measured within the same turn; give the median of all turns."""
    return median(figure(one) / figure(other) for one, other in zip(own, bare, strict=True))


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
