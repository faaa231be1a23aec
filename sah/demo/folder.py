"""The demo's folder: it is made anew at every start, and never at the cost of a real SAH."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sah.demo.shop import Release
from sah.domain.errors import ConfigError, ConflictError

_LOCK = ".demo.lock"  # also says that what lies beside it belongs to a demo
_STATE = "demo.json"
_DATABASE = "sah.sqlite"
_MADE = (_DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm", "secret_key", "encryption_keys", _STATE)


@dataclass(frozen=True, slots=True)
class DemoState:
    """What a second terminal has to know of the running demo."""

    aws_url: str
    url: str
    token: str
    shop_id: int
    releases: tuple[Release, ...]


@contextmanager
def occupy(folder: Path) -> Iterator[None]:
    """Empty the folder of the last demo's files, and keep other demos out of it.

    :raises ConfigError: the folder cannot be written, or holds the data of a real SAH.
    :raises ConflictError: a demo is running in it.
    """
    lock = folder / _LOCK
    if (folder / _DATABASE).exists() and not lock.exists():
        raise ConfigError(
            f"{folder} holds the database of another SAH, which the demo would delete.",
            "Give the demo a folder of its own with --instance.",
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = lock.open("w")
    except OSError as error:
        raise ConfigError(
            f"The demo's folder {folder} cannot be written: {error.strerror}.",
            "Give another one with --instance.",
        ) from error
    with handle:
        if not _try_lock(handle.fileno()):
            raise ConflictError(
                f"A demo is running in {folder} already.", "Use it, or give another --instance."
            )
        for name in _MADE:
            (folder / name).unlink(missing_ok=True)
        try:
            yield
        finally:
            (folder / _STATE).unlink(missing_ok=True)


def write_state(folder: Path, state: DemoState) -> None:
    """Store the state for a second terminal, whole or not at all."""
    draft = folder / f".{_STATE}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it has a token
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        json.dump(asdict(state), handle)
    draft.replace(folder / _STATE)


@contextmanager
def open_state(folder: Path) -> Iterator[DemoState]:
    """Read the state of the demo that runs in the folder; two deployments take turns.

    :raises ConflictError: no demo is running there.
    """
    nobody = ConflictError(f"No demo is running in {folder}.", "Start one with: sah demo")
    if not _is_occupied(folder):
        raise nobody
    try:
        handle = (folder / _STATE).open(encoding="utf-8")
    except FileNotFoundError:
        raise ConflictError(
            f"The demo in {folder} is still starting.", "Wait for its line “ready”."
        ) from None
    with handle, (folder / ".demo-deploy.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield _parse((folder / _STATE).read_text(encoding="utf-8"))


def _parse(text: str) -> DemoState:
    stored = json.loads(text)
    return DemoState(**stored | {"releases": _parse_releases(stored["releases"])})


def _parse_releases(stored: Sequence[dict[str, object]]) -> tuple[Release, ...]:
    def parse(release: dict[str, object]) -> Release:
        lists = {k: tuple(v) for k, v in release.items() if isinstance(v, list)}
        return Release(**(release | lists))  # type: ignore[arg-type]  # written by write_state

    return tuple(parse(release) for release in stored)


def _is_occupied(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
