"""Run a command with a PostgreSQL of its own, as ``make test-postgres`` does.

It listens on a socket in a folder that goes with it, sorts texts as people do, and cares
less for what it stores than one in earnest. The command gets ``TEST_DATABASE_URL``.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_DEBIAN = Path("/usr/lib/postgresql")
_CLUSTER = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
_SORTED = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
_HASTY = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


def main() -> int:
    """Run the command of the arguments; give its exit status."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder, _serving(Path(folder)):
        url = f"postgresql://postgres@/postgres?host={folder}"
        return subprocess.call(sys.argv[1:], env=os.environ | {"TEST_DATABASE_URL": url})


@contextmanager
def _serving(folder: Path) -> Iterator[None]:
    programs = _find_programs()
    # The server refuses to run as root.
    owner: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if owner:
        shutil.chown(folder, **owner)
    data = f"--pgdata={folder / 'data'}"
    quietly: dict[str, Any] = {"stdout": subprocess.DEVNULL, "cwd": folder, **owner}
    subprocess.run([programs / "initdb", data, *_CLUSTER, *_SORTED], check=True, **quietly)
    control: list[str | Path] = [programs / "pg_ctl", data, "--wait"]
    options = f"-k {folder} -c listen_addresses= {_HASTY}"
    log = f"--log={folder / 'log'}"
    subprocess.run([*control, log, f"--options={options}", "start"], check=True, **quietly)
    try:
        yield
    finally:
        subprocess.run([*control, "--mode=immediate", "stop"], check=True, **quietly)


def _find_programs() -> Path:
    installed = sorted(_DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name))
    if installed:
        return installed[-1]
    found = shutil.which("initdb")
    if found is None:
        sys.exit("PostgreSQL is not installed: apt-get install postgresql")
    return Path(found).resolve().parent


if __name__ == "__main__":
    sys.exit(main())
