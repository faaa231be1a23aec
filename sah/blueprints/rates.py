"""How often the API may be called: counted in memory, as SAH is one process."""

import math
import threading
import time
from dataclasses import dataclass, field

from flask import Flask, current_app, request

from sah.domain.errors import TooManyRequestsError

_KEY = "sah_rates"
_MINUTE_S = 60.0
# Callers that are remembered; the one that was quiet for longest is forgotten first, and
# by then its bucket is full again.
_MOST_CALLERS = 10_000


@dataclass
class Buckets:
    """A bucket of tokens for each caller, full at first, refilled within a minute."""

    levels: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, caller: tuple[str, str], size: int, now: float) -> float:
        """Take one token; give how many seconds there is to wait for it, 0 when it was there."""
        per_second = size / _MINUTE_S
        with self._lock:
            level, at = self.levels.pop(caller, (float(size), now))
            level = min(float(size), level + (now - at) * per_second)
            taken = level >= 1
            self.levels[caller] = (level - 1 if taken else level, now)
            if len(self.levels) > _MOST_CALLERS:
                del self.levels[next(iter(self.levels))]
        return 0.0 if taken else (1 - level) / per_second


def init_app(app: Flask) -> None:
    """Give the app its counters."""
    app.extensions[_KEY] = Buckets()


def count_call(caller: str) -> None:
    """Count one call of a token or a person.

    :raises TooManyRequestsError: there were too many within a minute.
    """
    _count("call", caller, current_app.config["API_REQUESTS_PER_MINUTE"])


def count_failure() -> None:
    """Count one wrong token from the address that the request came from.

    Only what would be refused anyway counts and is held up, so that nobody can shut
    out the good tokens of those who share an address with him.

    :raises TooManyRequestsError: there were too many within a minute.
    """
    _count("failure", request.remote_addr or "", current_app.config["API_FAILURES_PER_MINUTE"])


def _count(what: str, who: str, most: int) -> None:
    buckets: Buckets = current_app.extensions[_KEY]
    wait_s = buckets.take((what, who), most, time.monotonic())
    if wait_s:
        seconds = max(1, math.ceil(wait_s))
        raise TooManyRequestsError(
            f"That was more than {most} times within a minute.",
            f"Wait {seconds} s and try again.",
            retry_after_s=seconds,
        )
