"""Run a Python handler once, in a process of its own: see running.py.

The event comes on standard input; the answer goes to standard output behind a mark,
after whatever the handler printed.
"""

import importlib
import json
import os
import sys
import time
import traceback
from typing import Any


class Context:
    """What a handler may ask about its own run."""

    def __init__(self) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.invoked_function_arn = os.environ["_ARN"]
        self.aws_request_id = os.environ["_REQUEST_ID"]
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self._end = time.monotonic() + float(os.environ["_TIMEOUT"])

    def get_remaining_time_in_millis(self) -> int:
        """Return how long is left."""
        return max(0, int((self._end - time.monotonic()) * 1000))


def call() -> Any:  # noqa: ANN401 -- handlers answer what they like
    """Call the handler."""
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    return handler(json.load(sys.stdin), Context())


def answer() -> str:
    """Put the handler's answer, or what it raised, into JSON."""
    try:
        return json.dumps({"answer": call()})
    except BaseException as error:  # noqa: BLE001 -- whatever was raised is the answer
        shown = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
        return json.dumps({"error": shown})


if __name__ == "__main__":
    found = answer()
    sys.stdout.write(os.environ["_MARK"] + found)
