"""Which process carries an operation out, and whether that process still lives.

An owner is ``host/boot/pid/start``. On the same host since the same boot, the process
table is asked, so that after a crash nobody waits. Elsewhere only the heartbeat counts.
"""

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

HEARTBEAT_S = 5.0
# Without a heartbeat for so long, a process on another host is taken for dead.
LEASE = timedelta(seconds=60)

_STARTED_FIELD = 19  # in /proc/PID/stat, counted from the state, which follows the name
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def this_process() -> str:
    """Name the process that asks."""
    return f"{_here()}/{os.getpid()}/{_started(os.getpid())}"


def is_alive(owner: str, heartbeat_at: datetime | None, now: datetime) -> bool:
    """Say whether the process that owns an operation may still be at work on it."""
    place, _, process = owner.rpartition("/")[0].rpartition("/")
    if place == _here() and process.isdigit():
        return _is_running(int(process), owner.rpartition("/")[2])
    return heartbeat_at is not None and now - heartbeat_at < LEASE


def _here() -> str:
    return f"{socket.gethostname()}/{_read(_BOOT_ID).strip()}"


def _is_running(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(pid) == started


def _started(pid: int) -> str:
    """Read when a process started, in ticks since the boot; numbers of processes are reused."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    if not fields or fields[0] == "Z":
        return ""
    return fields[_STARTED_FIELD]


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
