"""Run a function's code in a process of its own; no container, no limits but time."""

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from moto.awslambda.models import LambdaFunction

HERE = Path(__file__).parent
# However long a function may run on AWS, nobody waits longer for a demo.
MAX_SECONDS = 20
UNDER_WAY: set[threading.Thread] = set()
# The server that got the request now under way: what it runs must not call the real AWS.
SERVED_AT: ContextVar[str] = ContextVar("SERVED_AT", default="http://127.0.0.1:9")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: the payload, whether it is an error, and what was logged."""

    payload: bytes
    failed: bool = False
    logs: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One run that is asked for."""

    function: LambdaFunction
    event: bytes
    arn: str
    served_at: str = field(default_factory=SERVED_AT.get)


def run(order: Order) -> Outcome:
    """Unpack the code, run the handler once and collect its answer."""
    command = find_command(order.function.run_time or "")
    if command is None:
        return _error("Runtime.Unsupported", f"There is no {order.function.run_time} here")
    with tempfile.TemporaryDirectory(prefix="localaws-") as folder:
        try:
            _unpack(order.function.code_bytes, folder)
        except zipfile.BadZipFile as error:
            return _error("Runtime.BadCode", str(error))
        return _execute(order, command, folder)


def run_later(order: Order) -> None:
    """Run it in a thread, for callers that do not wait, as AWS's own services."""
    thread = threading.Thread(target=_run_and_leave, args=(order,), daemon=True)
    UNDER_WAY.add(thread)
    thread.start()


def _run_and_leave(order: Order) -> None:
    try:
        run(order)
    finally:
        UNDER_WAY.discard(threading.current_thread())


def wait_for_runs() -> None:
    """Wait until nothing runs any more, so that no process outlives the server."""
    for thread in list(UNDER_WAY):
        thread.join()


def find_command(runtime: str) -> list[str] | None:
    """Find the program for a runtime; the version is whatever this machine has."""
    if runtime.startswith("python"):
        return [sys.executable, "-P", str(HERE / "run_python.py")]
    node = shutil.which("node") if runtime.startswith("nodejs") else None
    return [node, str(HERE / "run_node.mjs")] if node else None


def _unpack(code: bytes, folder: str) -> None:
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        archive.extractall(folder)


def _execute(order: Order, command: list[str], folder: str) -> Outcome:
    mark = f"\n{uuid4()}\n"
    seconds = min(float(order.function.timeout), MAX_SECONDS)
    try:
        ended = subprocess.run(  # noqa: S603 -- running it is the point
            command,
            input=order.event or b"{}",
            capture_output=True,
            cwd=folder,
            env=_environment(order, folder, mark, seconds),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _error("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
    return _read(ended, mark)


def _read(ended: subprocess.CompletedProcess[bytes], mark: str) -> Outcome:
    printed, found, answer = ended.stdout.decode(errors="replace").rpartition(mark)
    logs = (printed if found else answer) + ended.stderr.decode(errors="replace")
    if not found:
        return _error("Runtime.ExitError", f"Runtime exited with {ended.returncode}", logs)
    result: dict[str, Any] = json.loads(answer)
    payload = result.get("error", result.get("answer"))
    return Outcome(json.dumps(payload).encode(), "error" in result, logs)


def _environment(order: Order, folder: str, mark: str, seconds: float) -> dict[str, str]:
    fn = order.function
    own = {
        "PATH": os.environ.get("PATH", ""),
        "LAMBDA_TASK_ROOT": folder,
        "AWS_LAMBDA_FUNCTION_NAME": fn.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(fn.version),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(fn.memory_size),
        "AWS_REGION": fn.region,
        "AWS_DEFAULT_REGION": fn.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": order.served_at,
        "_HANDLER": str(fn.handler),
        "_ARN": order.arn,
        "_REQUEST_ID": str(uuid4()),
        "_MARK": mark,
        "_TIMEOUT": str(seconds),
    }
    return {key: str(value) for key, value in fn.environment_vars.items()} | own


def _error(kind: str, message: str, logs: str = "") -> Outcome:
    payload = json.dumps({"errorType": kind, "errorMessage": message})
    return Outcome(payload.encode(), failed=True, logs=logs)
