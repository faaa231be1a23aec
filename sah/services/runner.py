"""Carry operations out in threads of their own, and take up what a crash left behind.

The threads are not daemons: when the server is asked to stop, it lets them end, and
only what takes longer than its patience is taken up after the next start.
"""

import threading

import structlog
from flask import Flask, current_app

from sah.domain.errors import ConflictError
from sah.services.claims import list_abandoned
from sah.services.execution import execute_operation

log = structlog.get_logger(__name__)


def run_operation(operation_id: int) -> None:
    """Begin to carry out a journalled operation in the background, and return at once."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    name = f"operation-{operation_id}"
    threading.Thread(target=_run, args=(app, operation_id), name=name).start()


def resume_operations(app: Flask) -> list[int]:
    """Take up every operation that no living process is at work on; say which ones.

    Call it when the server starts and now and then: it also finds the operations of
    a command line that was killed.
    """
    with app.app_context():
        abandoned = list_abandoned()
        for operation_id in abandoned:
            run_operation(operation_id)
        return abandoned


def _run(app: Flask, operation_id: int) -> None:
    with app.app_context():
        try:
            execute_operation(operation_id)
        except ConflictError as error:
            log.info("operation.not_taken", operation=operation_id, reason=str(error))
        except Exception:
            # What is unfinished stays in the journal and is taken up again.
            log.exception("operation.crashed", operation=operation_id)
