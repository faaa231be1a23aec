"""Pure helpers that templates use as filters."""

import re
import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from flask import Flask

from sah.domain.operations import OperationKind
from sah.models import Operation

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
_DAYS_AS_AGE = 45
_KB = 1024
_NAMED = 3  # deployments that a sentence names, before it counts the rest


def format_ago(moment: datetime, now: datetime) -> str:
    """Say how long ago something was: ``4 min ago``; beyond 45 days the date."""
    age = now - moment
    if age > timedelta(days=_DAYS_AS_AGE):
        return moment.strftime("%Y-%m-%d")
    seconds = int(age.total_seconds())
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def format_utc(moment: datetime) -> str:
    """Give the exact time: ``2026-03-01 04:05:06 UTC``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def format_duration(seconds: float) -> str:
    """Say how long something took: ``340 ms``, ``2.1 s``, ``3 min 4 s``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def format_span(span: timedelta) -> str:
    """Say how long something lasted, roughly: ``40 s``, ``12 min``, ``3 h``, ``5 d``."""
    seconds = int(span.total_seconds())
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def format_bytes(size: int) -> str:
    """Say how large something is: ``812 B``, ``3.4 kB``, ``12.0 MB``."""
    if size < _KB:
        return f"{size} B"
    if size < _KB * _KB:
        return f"{size / _KB:.1f} kB"
    return f"{size / _KB / _KB:.1f} MB"


def format_share(share: float) -> str:
    """Show a weight of 0 to 1 as percent: ``12.5 %``."""
    return f"{round(share * 100, 2):g} %"


def format_count(number: int, word: str) -> str:
    """Count something: ``1 function``, ``3 functions``."""
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"


def format_numbers(numbers: Sequence[int]) -> str:
    """List deployments, no more than three by their numbers: ``#6, #5, #4 and 2 more``."""
    named = [f"#{number}" for number in numbers[:_NAMED]]
    rest = len(numbers) - len(named)
    *first, last = [*named, f"{rest} more"] if rest else named
    return f"{', '.join(first)} and {last}" if first else last


def format_operation(operation: Operation) -> str:
    """Say what an operation does: ``rollback to #41``, ``roll forward to #42``, ``switch``."""
    title = operation.kind.replace("_", " ")
    number = operation.deployment_number
    return title if number is None else f"{title} to #{number}"


def format_way(kind: str) -> str:
    """Say which way an operation of that kind rolls a project: ``forward``, else ``back``."""
    return "forward" if kind == OperationKind.ROLL_FORWARD else "back"


def common_prefix(names: Iterable[str]) -> str:
    """Find what all names begin with, up to a hyphen: ``shop-prod-``; empty for one name."""
    known = sorted(names)
    if not known or known[0] == known[-1]:
        return ""
    # What the first and the last in order share, all between them share.
    same = [a == b for a, b in zip(known[0], known[-1], strict=False)]
    length = same.index(False) if False in same else len(same)
    return known[0][: known[0].rfind("-", 0, length) + 1]


def format_slug(text: str) -> str:
    """Make a name that needs no quotes anywhere: ``My shop`` gives ``my-shop``."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "project"


def format_status(status: int) -> str:
    """Name an HTTP status: ``Not found``."""
    return HTTPStatus(status).phrase.capitalize()


def init_app(app: Flask) -> None:
    """Register the filters."""
    app.jinja_env.filters.update(
        ago=lambda moment: format_ago(moment, datetime.now(UTC)),
        utc=format_utc,
        duration=format_duration,
        slug=format_slug,
        shell_quote=shlex.quote,
        span=format_span,
        operation_title=format_operation,
        way=format_way,
        filesize=format_bytes,
        share=format_share,
        count_of=format_count,
        numbers=format_numbers,
        common_prefix=common_prefix,
        status_phrase=format_status,
    )
