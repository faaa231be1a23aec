"""Locks that the processes of one instance hold against each other, and that die with them."""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from flask import current_app

from sah.services.reading import wait_or_end


def claim_account(account_id: int, patience_s: float) -> AbstractContextManager[bool]:
    """Hold off other syncs of an account's projects, see ``claim_project``."""
    return _claim(f"account-{account_id}", patience_s)


def claim_project(project_id: int, patience_s: float) -> AbstractContextManager[bool]:
    """Hold off whoever else reads a project from AWS or changes what was read.

    Enters with False when another one holds it for longer than ``patience_s`` seconds.
    """
    return _claim(f"project-{project_id}", patience_s)


@contextmanager
def ask_for_project(project_id: int) -> Iterator[None]:
    """Ask whoever reads a project meanwhile to give way: somebody waits for a plan of it."""
    with _lock_file(_wish(project_id)).open("w") as handle:
        fcntl.flock(handle.fileno(), fcntl.LOCK_SH)
        yield


def watch_for_wishes(project_id: int) -> Callable[[], bool]:
    """Give what says whether somebody is in ``ask_for_project``; any thread may call it."""
    file, alone = _lock_file(_wish(project_id)), threading.Lock()

    def is_asked_for() -> bool:
        with alone, file.open("w") as handle:
            return not _try_lock(handle.fileno())

    return is_asked_for


def _wish(project_id: int) -> str:
    return f"project-{project_id}-wish"


@contextmanager
def _claim(name: str, patience_s: float) -> Iterator[bool]:
    give_up_at = time.monotonic() + patience_s
    with _lock_file(name).open("w") as handle:
        while not (claimed := _try_lock(handle.fileno())) and time.monotonic() < give_up_at:
            if wait_or_end(0.1):
                break
        yield claimed


def _lock_file(name: str) -> Path:
    return Path(current_app.config["INSTANCE"]) / f".sync-{name}.lock"


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
