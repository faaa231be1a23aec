"""Spread the demo's deployments over the past weeks, as a real shop's are."""

from datetime import UTC, datetime, timedelta

from sah.demo.deploy import HELLO_STACK, REGION
from sah.demo.shop import HISTORY, STACK, Release
from sah.localaws.lambda_backend import find_lambda
from sah.localaws.stack_backend import find_cloudformation

_ACCOUNT = "123456789012"
# Functions are published one after the other, not all in the same moment.
_STEP = timedelta(seconds=1.3)


def backdate(release: Release, now: datetime) -> None:
    """Let the newest versions of what a release changed be as old as the release."""
    when = now - timedelta(hours=release.age_hours)
    lambdas = find_lambda(_ACCOUNT, REGION).storage
    for place, name in enumerate(release.changed):
        published = [v for v in lambdas.versions(f"{STACK}-{name}") if str(v.version).isdigit()]
        newest = max(published, key=lambda version: int(version.version))
        newest.last_modified = _lambda_time(when + place * _STEP)
    _date_stack(STACK, HISTORY[0], when + len(release.changed) * _STEP, now)


def backdate_hello(now: datetime) -> None:
    """Let the introduction's stack be of its own day."""
    when = now - timedelta(days=40)
    for version in find_lambda(_ACCOUNT, REGION).storage.versions(f"{HELLO_STACK}-hello"):
        version.last_modified = _lambda_time(when)
    stack = find_cloudformation(_ACCOUNT, REGION).find_stack(HELLO_STACK)
    stack.creation_time = _stack_time(when - timedelta(minutes=2))
    stack.last_updated_time = _stack_time(when)


def _date_stack(name: str, first: Release, updated_at: datetime, now: datetime) -> None:
    stack = find_cloudformation(_ACCOUNT, REGION).find_stack(name)
    stack.creation_time = _stack_time(now - timedelta(hours=first.age_hours, minutes=2))
    stack.last_updated_time = _stack_time(updated_at)


def _lambda_time(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def _stack_time(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(tzinfo=None)
