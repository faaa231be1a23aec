"""Keep SAH within AWS's rates, and let operations go before everything else."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

Clock = Callable[[], float]
Wait = Callable[[threading.Condition, float | None], object]


class Pool(StrEnum):
    """What Lambda's control plane counts separately, per account and Region (aws-facts 1)."""

    GET_FUNCTION = "GetFunction"
    GET_POLICY = "GetPolicy"
    OTHER = "other"


# Calls per second. A hair less than AWS allows, and a burst of a little less than a
# second's worth, since calls arrive at AWS less evenly than they leave.
RATES: Final[Mapping[Pool, float]] = {
    Pool.GET_FUNCTION: 99.0,
    Pool.GET_POLICY: 14.9,
    Pool.OTHER: 14.9,
}
BURST_S: Final = 0.95

# After a 429 the rate falls to this part, at most once in so many seconds, and comes
# back by this part of the full rate per second.
CUT_TO: Final = 0.75
CUT_EVERY_S: Final = 1.0
RECOVERY_PER_S: Final = 0.1
LOWEST: Final = 0.1

# What background calls leave in the bucket for an operation that may start at any time,
# and how long operations must have been quiet before background calls go on.
RESERVE: Final = 0.7
QUIET_S: Final = 1.0

# A call that AWS throttles is sent this often: for half a minute or more.
MOST_ATTEMPTS: Final = 14
FIRST_BACKOFF_S: Final = 0.1
LONGEST_BACKOFF_S: Final = 5.0

_NEVER: Final = float("-inf")
_ROUNDING: Final = 1e-9


def find_pool(call: str) -> Pool:
    """Name the pool that a Lambda call draws from (aws-facts 1)."""
    return Pool(call) if call in RATES else Pool.OTHER


class Bucket:
    """A token bucket whose rate falls when AWS throttles and recovers. Times are seconds."""

    def __init__(self, rate: float, now: float) -> None:
        self.full_rate = rate
        self.capacity = max(1.0, rate * BURST_S)
        self._tokens = self.capacity
        self._filled_at = now
        self._cut_rate = rate
        self._cut_at = _NEVER

    def rate(self, now: float) -> float:
        """Tokens per second at a time."""
        if self._cut_at == _NEVER:
            return self.full_rate
        recovered = self._cut_rate + self.full_rate * RECOVERY_PER_S * (now - self._cut_at)
        return min(self.full_rate, recovered)

    def delay(self, now: float, keep: float = 0.0) -> float:
        """Say how many seconds until a token can be taken so that ``keep`` are left."""
        self._fill(now)
        missing = min(1.0 + keep, self.capacity) - self._tokens
        return missing / self.rate(now) if missing > _ROUNDING else 0.0

    def take(self, now: float) -> None:
        """Take one token; ask ``delay`` first."""
        self._fill(now)
        self._tokens -= 1.0

    def slow_down(self, now: float) -> None:
        """Lower the rate and empty the bucket: the account's calls are not all SAH's.

        Several 429s within a second are one, since their calls were sent together.
        """
        self._fill(now)
        self._tokens = min(self._tokens, 0.0)
        if now - self._cut_at >= CUT_EVERY_S:
            self._cut_rate = max(self.rate(now) * CUT_TO, self.full_rate * LOWEST)
            self._cut_at = now

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._filled_at)
        mean_rate = (self.rate(now) + self.rate(self._filled_at)) / 2
        self._tokens = min(self.capacity, self._tokens + passed * mean_rate)
        self._filled_at = max(now, self._filled_at)


class RatePool:
    """One bucket with two queues, each first come, first served; the urgent one goes first."""

    def __init__(
        self, rate: float, clock: Clock = time.monotonic, wait: Wait = threading.Condition.wait
    ) -> None:
        self._clock = clock
        self._wait = wait
        self._bucket = Bucket(rate, clock())
        self._changed = threading.Condition()
        self._urgent: deque[object] = deque()
        self._background: deque[object] = deque()
        self._urgent_at = _NEVER

    @property
    def waiting(self) -> int:
        """How many callers wait for their turn."""
        with self._changed:
            return len(self._urgent) + len(self._background)

    def acquire(self, *, urgent: bool) -> None:
        """Wait until one call may be sent."""
        ticket = object()
        with self._changed:
            queue = self._urgent if urgent else self._background
            queue.append(ticket)
            try:
                while delay := self._delay(ticket, urgent=urgent):
                    self._wait(self._changed, None if delay == float("inf") else delay)
                self._take(urgent=urgent)
            finally:
                queue.remove(ticket)
                self._changed.notify_all()

    def slow_down(self) -> None:
        """Take note of a 429."""
        with self._changed:
            self._bucket.slow_down(self._clock())

    def _delay(self, ticket: object, *, urgent: bool) -> float:
        """Say how many seconds a caller has to wait; infinity until others are done."""
        now = self._clock()
        if urgent:
            return self._bucket.delay(now) if self._urgent[0] is ticket else float("inf")
        if self._urgent or self._background[0] is not ticket:
            return float("inf")
        quiet = self._urgent_at + QUIET_S - now
        reserve = self._bucket.capacity * RESERVE
        return max(0.0, quiet, self._bucket.delay(now, keep=reserve))

    def _take(self, *, urgent: bool) -> None:
        now = self._clock()
        self._bucket.take(now)
        if urgent:
            self._urgent_at = now


class Lane:
    """One gateway's way through the pools of its account and Region."""

    def __init__(
        self, pools: Mapping[Pool, RatePool], *, urgent: bool, first_backoff_s: float
    ) -> None:
        self._pools = pools
        self._urgent = urgent
        self._first_backoff_s = first_backoff_s

    def acquire(self, call: str) -> None:
        """Wait until ``call`` may be sent."""
        self._pools[find_pool(call)].acquire(urgent=self._urgent)

    def retry_after(self, call: str, attempts: int) -> float | None:
        """Slow the pool down after a 429; say how many seconds to wait, or None to give up.

        A throttled call had no effect, so even a write may be sent again.
        """
        self._pools[find_pool(call)].slow_down()
        if attempts >= MOST_ATTEMPTS:
            return None
        longest = min(LONGEST_BACKOFF_S, self._first_backoff_s * 2.0 ** (attempts - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads calls, guards nothing


class Limits:
    """The pools of every account and Region that this process calls."""

    def __init__(
        self,
        rates: Mapping[Pool, float] = RATES,
        *,
        first_backoff_s: float = FIRST_BACKOFF_S,
    ) -> None:
        self._rates = rates
        self._first_backoff_s = first_backoff_s
        self._pools: dict[tuple[str, str], Mapping[Pool, RatePool]] = {}
        self._lock = threading.Lock()

    def open_lane(self, account: str, region: str, *, urgent: bool) -> Lane:
        """Give a way through the pools that all callers of an account and Region share."""
        with self._lock:
            pools = self._pools.setdefault(
                (account, region), {pool: RatePool(rate) for pool, rate in self._rates.items()}
            )
        return Lane(pools, urgent=urgent, first_backoff_s=self._first_backoff_s)
