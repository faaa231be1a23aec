"""What a deployment is to the person on call: was it live, and what may be gone back to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class DeploymentStatus(StrEnum):
    """How far SAH is with what a deployment put live.

    ``pending``: reported and not read from AWS yet. ``captured``: its snapshot is
    there. ``failed``: nothing can be read any more.
    """

    PENDING = "pending"
    CAPTURED = "captured"
    FAILED = "failed"


class DeploymentSource(StrEnum):
    """How SAH came to know: told by the webhook, or noticed by the sync."""

    WEBHOOK = "webhook"
    NOTICED = "noticed"


class Liveness(StrEnum):
    """Whether a deployment serves the traffic now.

    ``partly``: not all of it does, but something that tells it from other deployments.
    """

    LIVE = "live"
    PARTLY = "partly"
    NOT_LIVE = "not_live"


@dataclass(frozen=True, slots=True)
class LivePeriodFacts:
    """When a deployment had all of the traffic; ``ended_at`` is None while it has."""

    number: int
    began_at: datetime
    ended_at: datetime | None = None


def judge_liveness(
    serving: Iterable[str], expected: Iterable[str], own: Iterable[str], *, superseded: bool
) -> Liveness:
    """Judge a deployment by the functions that serve what it published.

    ``serving`` are those of ``expected``, its functions, whose alias sends all of the
    traffic to its version; ``own`` are those that tell it from other deployments: in a
    mixed stack those whose version no newer one has too, else those that it changed.
    One that is ``superseded``, since a newer one has all of the traffic, is not partly
    live by what that newer one left unchanged.
    """
    served, wanted = set(serving), set(expected)
    if wanted and served >= wanted:
        return Liveness.LIVE
    return Liveness.PARTLY if not superseded and served & set(own) else Liveness.NOT_LIVE


def sum_active(periods: Iterable[LivePeriodFacts], now: datetime) -> timedelta | None:
    """Add up how long something was live, None when it never was."""
    spans = [(period.ended_at or now) - period.began_at for period in periods]
    return sum(spans, timedelta()) if spans else None


def choose_previous_deployment(
    periods: Sequence[LivePeriodFacts], newest_partly_live: int | None
) -> int | None:
    """Choose what “roll back” means when nobody says more: a deployment's number, or None.

    It is the last deployment that was wholly live before the present one was for the
    first time; so rolling back twice goes back twice, and never forward again, not even
    from one that was published long before and never live until somebody went back to it.
    Present is the one that is wholly live; without one (a mixed stack) the last that
    was, unless a newer deployment serves some of the traffic: then the last that was
    wholly live is itself what to go back to. ``periods`` are in order, the oldest first.
    """
    if not periods:
        return None
    last = periods[-1]
    is_mixed = last.ended_at is not None
    if is_mixed and newest_partly_live is not None and newest_partly_live > last.number:
        return last.number
    numbers = [period.number for period in periods]
    before = [n for n in numbers[: numbers.index(last.number)] if n < last.number]
    return before[-1] if before else None
