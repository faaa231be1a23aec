"""How often the API may be called: counted in memory, as SAH is one process."""

import math
import time

from flask import Flask, current_app, request

from sah.domain.errors import TooManyRequestsError
from sah.domain.rates import Allowances

_KEY = "sah_rates"
# A whole team behind one address may log in at once; guessing passwords takes more.
LOG_INS_PER_MINUTE = 30


def init_app(app: Flask) -> None:
    """Give the app its counters."""
    app.extensions[_KEY] = Allowances()


def count_call(caller: str) -> None:
    """Count one call of a token or a person.

    :raises TooManyRequestsError: there were too many within a minute.
    """
    _count(f"call {caller}", current_app.config["API_REQUESTS_PER_MINUTE"])


def count_failure() -> None:
    """Count one wrong token from the address that the request came from.

    Only what would be refused anyway counts and is held up, so that nobody can shut
    out the good tokens of those who share an address with him.

    :raises TooManyRequestsError: there were too many within a minute.
    """
    _count(f"failure {request.remote_addr}", current_app.config["API_FAILURES_PER_MINUTE"])


def count_log_in() -> None:
    """Count one try to log in from the address that the request came from.

    :raises TooManyRequestsError: there were too many within a minute.
    """
    _count(f"log-in {request.remote_addr}", LOG_INS_PER_MINUTE)


def _count(who: str, most: int) -> None:
    allowances: Allowances = current_app.extensions[_KEY]
    wait_s = math.ceil(allowances.take(who, most, time.monotonic()))
    if wait_s:
        raise TooManyRequestsError(
            f"SAH answers that {most} times a minute.",
            f"Wait {wait_s} s and try again.",
            retry_after_s=wait_s,
        )
