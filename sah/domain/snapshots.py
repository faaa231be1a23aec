"""What a deploy published, by function: how two of them differ, and what a late look finds."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

# Which version a deploy published, by the function's name.
Versions = Mapping[str, str]

_DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True)
class SnapshotChanges:
    """What one deployment changed against the one before, each by function name."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Say whether anything differs."""
        return bool(self.changed or self.added or self.removed)


def compare_snapshots(before: Versions, after: Versions) -> SnapshotChanges:
    """Work out what a deploy changed: functions are matched by name."""
    return SnapshotChanges(
        changed=tuple(sorted(n for n in set(before) & set(after) if before[n] != after[n])),
        added=tuple(sorted(set(after) - set(before))),
        removed=tuple(sorted(set(before) - set(after))),
    )


def digest_snapshot(versions: Versions) -> str:
    """Name a snapshot by what is in it, so that equal ones are stored once."""
    text = json.dumps(sorted(versions.items()), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Publication:
    """One published version and when AWS says that it was published."""

    function: str
    version: str
    published_at: datetime


def reconstruct_snapshot(publications: Iterable[Publication], at: datetime) -> dict[str, str]:
    """Work out what was deployed at a time that nobody looked: the newest versions until then.

    A deploy that changes a function publishes a version of it, and one that does not
    leaves the newest as it was (aws-facts 11).
    """
    newest: dict[str, str] = {}
    for one in publications:
        if one.published_at <= at:
            newest[one.function] = max(newest.get(one.function, "0"), one.version, key=int)
    return newest


def digest_variable(salt: str, name: str, value: str) -> str:
    """Turn the value of an environment variable into what shows only whether it changed.

    The salt keeps equal values of different variables and projects apart, and
    without it short values cannot be guessed.
    """
    text = f"{name}\0{value}".encode()
    return hmac.new(salt.encode(), text, hashlib.sha256).hexdigest()[:_DIGEST_LENGTH]
