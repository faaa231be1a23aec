"""AWS's rate pools for Lambda's control plane, as token buckets."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# Requests per second, per account and Region (Lambda's quotas page). Each burst is one
# second's worth. None of these can be raised, and data-plane calls have no share in them.
RATES = {"GetFunction": 100, "GetPolicy": 15, "other": 15}
DATA_PLANE = frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"})


def find_pool(service: str, operation: str) -> str | None:
    """Name the pool that a call draws from; None where AWS sets no such limit."""
    if service != "lambda" or operation in DATA_PLANE:
        return None
    return operation if operation in RATES else "other"


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at ``rate`` per second, up to one second's worth."""

    rate: float
    tokens: float
    filled_at: float

    def take(self, now: float) -> float:
        """Take one token; return 0, or the seconds until there is one."""
        self.tokens = min(self.rate, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return 0.0


class Limits:
    """The buckets of every account and Region that was called."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], Bucket] = {}
        self._lock = threading.Lock()

    def wait(self, service: str, operation: str, account: str, region: str) -> float:
        """Return how many seconds a call came too early; 0 lets it pass."""
        pool = find_pool(service, operation)
        if pool is None:
            return 0.0
        with self._lock:
            now = self._clock()
            key = (account, region, pool)
            bucket = self._buckets.setdefault(key, Bucket(RATES[pool], RATES[pool], now))
            return bucket.take(now)

    def reset(self) -> None:
        """Fill every bucket again."""
        with self._lock:
            self._buckets.clear()
