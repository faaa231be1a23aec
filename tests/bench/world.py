"""An embedded AWS in a process of its own, so that it does not share the engine's interpreter."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from sah.aws.gateway import AccessKind, AccountAccess, AwsGateway
from sah.aws.limiter import Limits, Pool
from sah.aws.sessions import Connections
from sah.domain.aliases import AliasState, Routing
from sah.localaws import LocalAws
from tests.aws.world import KEY_ID, REGION, SECRET, LocalWorld

ALIAS = "ACTIVE"


@dataclass(frozen=True)
class Aws:
    """The embedded AWS, from outside."""

    url: str
    _pipe: Connection

    def ask(self, command: str, *args: Any) -> Any:  # noqa: ANN401 - what the other side answers
        """Have a command carried out over there."""
        self._pipe.send((command, args))
        return self._pipe.recv()

    def add_functions(self, names: list[str]) -> None:
        """Make functions with three versions each, their aliases at the second."""
        self.ask("add_functions", names)

    def add_stack(self, name: str, functions: int) -> None:
        """Deploy a stack of so many functions with one version each."""
        self.ask("add_stack", name, functions)

    def deploy(self, name: str, functions: int) -> None:
        """Deploy that stack again, with other code for so many of its functions."""
        self.ask("deploy", name, functions)

    def set_knobs(self, *, latency_ms: float, rate_limits: bool) -> None:
        """Turn the two knobs, with full buckets."""
        self.ask("set_knobs", latency_ms, rate_limits)

    def take_counts(self) -> dict[str, int]:
        """Count the calls since the last time, by name."""
        counts: dict[str, int] = self.ask("take_counts")
        return counts

    def connections(self, *, pools: bool) -> Connections:
        """Open SAH's own connections, with or without its rate pools."""
        limits = Limits() if pools else Limits(dict.fromkeys(Pool, 1e6))
        return Connections(limits)

    def access(self) -> AccountAccess:
        """Say how to reach it."""
        return AccountAccess(
            kind=AccessKind.ACCESS_KEY,
            region=REGION,
            access_key_id=KEY_ID,
            secret_access_key=SECRET,
            endpoint_url=self.url,
        )


@contextmanager
def running_aws() -> Iterator[Aws]:
    """Run an embedded AWS in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield Aws(ours.recv(), ours)
    finally:
        ours.send(("stop", ()))
        process.join(10)


def switch_one_after_the_other(gateway: AwsGateway, live: list[AliasState], version: str) -> None:
    """Do what a loop would do: move and read back each alias before the next."""
    for state in live:
        gateway.update_alias(state.function, ALIAS, Routing(version), state.revision_id)
        assert gateway.get_version(state.function, ALIAS).version == version


class _Server:
    """What the other process can do."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self._world = LocalWorld(aws)

    def add_functions(self, names: list[str]) -> None:
        for name in names:
            self._world.add_function(name, versions=3)
            self._world.set_alias(name, ALIAS, "2")

    def add_stack(self, name: str, functions: int) -> None:
        self._world.add_stack(name, {f"{name}-{number:03}": 1 for number in range(functions)})

    def deploy(self, name: str, functions: int) -> None:
        self._world.deploy(name, [f"{name}-{number:03}" for number in range(functions)])

    def set_knobs(self, latency_ms: float, rate_limits: bool) -> None:
        self._aws.latency_ms, self._aws.rate_limits = latency_ms, rate_limits
        self._aws._limits.reset()
        self._aws.calls.clear()

    def take_counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for call in self._aws.calls:
            counts[call.operation] = counts.get(call.operation, 0) + 1
        self._aws.calls.clear()
        return counts


def _serve(pipe: Connection) -> None:
    with LocalAws() as aws:
        server = _Server(aws)
        pipe.send(aws.url)
        while True:
            command, args = pipe.recv()
            if command == "stop":
                return
            pipe.send(getattr(server, command)(*args))
