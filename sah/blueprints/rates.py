"""How often the API may be called: counted in memory, as SAH is one process."""

import math
import time

from flask import Flask, current_app, request
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from sah.domain.errors import TooManyRequestsError

_KEY = "sah_rates"


def init_app(app: Flask) -> None:
    """Give the app its counters."""
    app.extensions[_KEY] = SlidingWindowCounterRateLimiter(MemoryStorage())


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
    rates: SlidingWindowCounterRateLimiter = current_app.extensions[_KEY]
    rate = parse(f"{most} per minute")
    if rates.hit(rate, what, who):
        return
    wait_s = max(1, math.ceil(rates.get_window_stats(rate, what, who).reset_time - time.time()))
    raise TooManyRequestsError(
        f"That was more than {most} times within a minute.",
        f"Wait {wait_s} s and try again.",
        retry_after_s=wait_s,
    )
