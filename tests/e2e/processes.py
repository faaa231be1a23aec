"""Start the product as a person would, and find what it leaves behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SAH = (sys.executable, "-m", "sah.cli")
# Longer than anything takes on a machine that has much else to do.
PATIENCE_S = 180.0


@contextmanager
def started(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run ``sah`` with its output in pipes; kill its whole session in the end."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SAH_")}
    process = subprocess.Popen(
        [*SAH, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def sah(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run ``sah`` to its end."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("SAH_")}
    return subprocess.run(
        [*SAH, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=others | environ,
        timeout=PATIENCE_S,
    )


def processes_about(word: Path) -> list[int]:
    """Find the processes that have a path in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(word).encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does; the only wait of these tests."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_at, f"waited in vain until {what}"
        time.sleep(0.02)
