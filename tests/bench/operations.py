"""Operations of the real engine: how close they come to what AWS's rate pools allow at best."""

import gc
import itertools
import os
import statistics
import time
from pathlib import Path

from sah.aws.gateway import AwsGateway
from sah.domain.aliases import Routing
from sah.domain.operations import OperationStatus
from tests.bench.measured import Measured
from tests.bench.world import ALIAS, Aws, switch_one_after_the_other
from tests.services.scene import Scene, make_ground

LATENCY_MS = 40
UPDATES_PER_S = 15
MOST_RATIO = 1.10
LEAST_SPEEDUP = 5.0
MOST_GROWTH_MB = 20.0
MORE_CALLS = 3
RUNS = 3
# What the rate pools need to be full after the checks that come with a plan.
FULL_AGAIN_S = 1.1

_versions = itertools.cycle(["1", "3", "2"])


def measure_operations(aws: Aws, folder: Path) -> list[Measured]:
    """Switch 60 and 200 functions at once, and make 1,000 moves."""
    names = [f"shop-dev-{number:03}" for number in range(200)]
    aws.add_functions(names)
    bench = Bench(aws, folder)
    return [
        *bench.measure_with_pools(tuple(names[:60])),
        *bench.measure_with_pools(tuple(names)),
        *bench.measure_without_pools(tuple(names[:60])),
        *bench.measure_memory(tuple(names)),
    ]


class Bench:
    """Runs operations of the real engine against an embedded AWS in another process."""

    def __init__(self, aws: Aws, folder: Path) -> None:
        self._aws = aws
        self._ground = make_ground(folder, None)

    def measure_with_pools(self, names: tuple[str, ...]) -> list[Measured]:
        """Switch with AWS's rate pools on; the bound is what they allow at best."""
        gateway, scene = self._open(names, pools=True)
        self._aws.set_knobs(latency_ms=LATENCY_MS, rate_limits=True)
        gateway.get_identity()  # the first connection and the credentials are not the engine's
        taken, counts = self._median(scene)
        size = len(names)
        bound = (size - UPDATES_PER_S) / UPDATES_PER_S
        ratio = taken / bound
        more = sum(counts.values()) - counts["UpdateAlias"] - counts["GetFunction"]
        calls = f"{counts['UpdateAlias']} + {counts['GetFunction']} + {more}"
        within = counts["UpdateAlias"] == counts["GetFunction"] == size and more <= MORE_CALLS
        return [
            Measured(
                f"{size} functions, pools on",
                f"{taken:.2f} s = {ratio:.3f} times the pools' {bound:.2f} s",
                f"≤ {MOST_RATIO:.2f} times",
                ratio <= MOST_RATIO,
            ),
            Measured(
                f"{size} functions, calls",
                f"{calls} (UpdateAlias + GetFunction + others)",
                f"≤ {size} + {size} + {MORE_CALLS}, no 429",
                within,
            ),
        ]

    def measure_without_pools(self, names: tuple[str, ...]) -> list[Measured]:
        """Switch with the pools off, against one call after the other in the same run."""
        gateway, scene = self._open(names, pools=False)
        self._aws.set_knobs(latency_ms=LATENCY_MS, rate_limits=False)
        gateway.get_identity()
        live = [gateway.get_alias(name, ALIAS) for name in names]
        begun = time.perf_counter()
        switch_one_after_the_other(gateway, live, next(_versions))
        one_by_one = time.perf_counter() - begun
        _, scene = self._open(names, pools=False)
        self._aws.set_knobs(latency_ms=LATENCY_MS, rate_limits=False)
        taken, _ = self._median(scene)
        speedup = one_by_one / taken
        return [
            Measured(
                f"{len(names)} functions, pools off",
                f"{taken:.2f} s, {one_by_one:.2f} s one by one: {speedup:.1f} times faster",
                f"≥ {LEAST_SPEEDUP:.0f} times",
                speedup >= LEAST_SPEEDUP,
            )
        ]

    def measure_memory(self, names: tuple[str, ...]) -> list[Measured]:
        """Make 1,000 moves in one process; what a first operation loads does not count."""
        _, scene = self._open(names, pools=False)
        self._aws.set_knobs(latency_ms=0, rate_limits=False)
        self._switch(scene)
        before = _resident_mb()
        for _ in range(1000 // len(names)):
            self._switch(scene)
        growth = _resident_mb() - before
        return [
            Measured(
                "1,000 moves, memory",
                f"{growth:+.1f} MB on {before:.0f} MB",
                f"≤ {MOST_GROWTH_MB:.0f} MB",
                growth <= MOST_GROWTH_MB,
            )
        ]

    def _open(self, names: tuple[str, ...], *, pools: bool) -> tuple[AwsGateway, Scene]:
        """Make a project of these functions, and the way to AWS that it is switched by."""
        self._aws.set_knobs(latency_ms=0, rate_limits=False)
        free = self._aws.connections(pools=False).open(self._aws.access(), urgent=True)
        scene = Scene(self._ground, free, names)
        gateway = self._aws.connections(pools=pools).open(self._aws.access(), urgent=True)
        scene.use(gateway)
        return gateway, scene

    def _median(self, scene: Scene) -> tuple[float, dict[str, int]]:
        """Switch three times; the median of the seconds, and the most calls of each kind."""
        runs = [(self._switch(scene), self._aws.take_counts()) for _ in range(RUNS)]
        names = {name for _, counts in runs for name in counts}
        most = {name: max(counts.get(name, 0) for _, counts in runs) for name in names}
        return statistics.median(taken for taken, _ in runs), most

    def _switch(self, scene: Scene) -> float:
        """Start an operation as a page does, and wait until it is verified. Seconds."""
        target = dict.fromkeys(scene.functions, Routing(next(_versions)))
        wanted = scene.request(target)  # the plan's page, with its checks, comes before
        time.sleep(FULL_AGAIN_S)
        self._aws.take_counts()
        begun = time.perf_counter()
        operation = scene.run(wanted)
        taken = time.perf_counter() - begun
        assert operation.status == OperationStatus.SUCCEEDED, operation.error
        return taken


def _resident_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
