"""Start and stop the embedded AWS; what tests, the demo and the command line use."""

import gc
import signal
import sys
import threading
from typing import TYPE_CHECKING, Self

from sah.localaws.calls import Calls
from sah.localaws.faults import Fault, Faults, Match
from sah.localaws.limits import Limits
from sah.localaws.world import WORLD

if TYPE_CHECKING:
    from sah.localaws.frontdoor import FrontDoor
    from sah.localaws.web import Server


class LocalAws:
    """An AWS on a port of this machine; use it as a context manager.

    boto3 needs ``endpoint_url=aws.url``, any keys and any Region. Several of them
    in one process share one world, because moto keeps its state in its modules.
    ``latency_ms`` and ``rate_limits`` may be changed while it runs.
    """

    def __init__(
        self,
        port: int = 0,
        latency_ms: float = 0,
        rate_limits: bool = False,  # noqa: FBT001, FBT002 -- a knob, named by every caller
        host: str = "127.0.0.1",
    ) -> None:
        self.port = port
        self.host = host
        self.latency_ms = latency_ms
        self.rate_limits = rate_limits
        self.calls = Calls()
        self._limits = Limits()
        self._faults = Faults()
        self._server: Server | None = None
        self._door: FrontDoor | None = None

    @property
    def url(self) -> str:
        """The address to give to boto3 as ``endpoint_url``."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> Self:
        """Begin to serve; with port 0 a free port is chosen and kept in ``port``."""
        # Only now: importing moto takes about a second.
        from sah.localaws.frontdoor import FrontDoor  # noqa: PLC0415
        from sah.localaws.install import build_app, install  # noqa: PLC0415
        from sah.localaws.web import Server  # noqa: PLC0415

        install()
        self._door = FrontDoor(build_app(), self, self.calls, self._limits, self._faults)
        self._server = Server(self.host, self.port, self._door.answer)
        self.port = self._server.port
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving and hang up on every client; does nothing when not started."""
        if self._server and self._door:
            from sah.localaws.running import wait_for_runs  # noqa: PLC0415

            self._door.stopping.set()
            self._server.stop()
            self._server = None
            wait_for_runs()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def reset(self) -> None:
        """Forget everything: resources, calls, faults not yet used, rate buckets."""
        from sah.localaws.install import reset_world  # noqa: PLC0415

        reset_world()
        self.calls.clear()
        self._faults.clear()
        self._limits.reset()

    def count(self, operation: str | None = None) -> int:
        """Count the calls of one operation (``"UpdateAlias"``), or all of them."""
        return self.calls.count(operation)

    def fail_next(  # noqa: PLR0913 -- all but the first are named
        self,
        operation: str,
        *,
        times: int = 1,
        status: int | None = 500,
        code: str = "ServiceException",
        message: str = "An error that a test asked for.",
        after_effect: bool = False,
        match: Match | None = None,
        delay_s: float = 0.0,
    ) -> None:
        """Let the next ``times`` calls of ``operation`` fail.

        With ``after_effect`` the call does its work and only the answer is lost.
        ``match`` looks at the parameters. ``delay_s`` holds the answer back, which
        is how to test timeouts; with ``status=None`` the true answer follows then.
        """
        self._faults.add(
            Fault(operation, times, status, code, message, after_effect, match, delay_s)
        )

    def set_state(  # noqa: PLR0913 -- all but the first two are named
        self,
        function: str,
        version: str,
        *,
        state: str = "Inactive",
        reason_code: str | None = None,
        reason: str | None = None,
        last_update_status: str = "Successful",
        region: str = "us-east-1",
        account: str = "123456789012",
    ) -> None:
        """Put one version, or ``$LATEST``, into a state; only the running of it obeys.

        :raises LambdaError: there is no such version.
        """
        from sah.localaws.lambda_backend import find_lambda  # noqa: PLC0415

        with WORLD:
            storage = find_lambda(account, region).storage
            found = storage.get_function_by_name_or_arn_with_qualifier(function, version)
            found.set_state(state, reason_code, reason)
            found.last_update_status = last_update_status

    def set_stack_status(
        self,
        stack: str,
        status: str,
        *,
        region: str = "us-east-1",
        account: str = "123456789012",
    ) -> None:
        """Put a stack into a status that no deployment here leads to.

        :raises ValidationError: there is no such stack.
        """
        from sah.localaws.stack_backend import find_cloudformation  # noqa: PLC0415

        with WORLD:
            find_cloudformation(account, region).find_stack(stack).tell(status)


def serve(
    port: int,
    latency_ms: float = 0,
    rate_limits: bool = False,  # noqa: FBT001, FBT002 -- a knob, named by every caller
    host: str = "127.0.0.1",
) -> None:
    """Serve until SIGINT or SIGTERM; prints the address, then ``ready``."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with LocalAws(port, latency_ms, rate_limits, host) as aws:
        sys.stdout.write(f"aws: {aws.url}\nready\n")
        sys.stdout.flush()
        ended.wait()
    # Else Python takes seconds to collect moto's modules before it ends.
    gc.freeze()
