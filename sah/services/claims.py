"""Who carries an operation out: one thread of one living process, settled by the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from flask import current_app

from sah.domain.errors import BusyError, ConflictError
from sah.domain.operations import OperationStatus
from sah.extensions import db
from sah.models import Operation
from sah.services.history import get_operation
from sah.services.owners import is_alive, this_process

ACTIVE = tuple(status for status in OperationStatus if status.is_active)


@contextmanager
def claimed(operation_id: int) -> Iterator[tuple[Operation, bool]]:
    """Take an operation for this thread; says too whether another one left it half done.

    :raises NotFoundError: there is no such operation.
    :raises ConflictError: it has ended already.
    :raises BusyError: it is being carried out already, here or by another process.
    """
    with _running().entered(operation_id):
        operation = get_operation(operation_id)
        interrupted = operation.status == OperationStatus.RUNNING
        _claim(operation)
        yield operation, interrupted


def list_abandoned() -> list[int]:
    """List the active operations that no living process is at work on, oldest first."""
    query = sa.select(Operation).where(Operation.status.in_(ACTIVE)).order_by(Operation.id)
    operations = list(db.session.scalars(query))
    db.session.commit()
    return [operation.id for operation in operations if not _is_attended(operation)]


def _claim(operation: Operation) -> None:
    if not OperationStatus(operation.status).is_active:
        raise ConflictError("This operation has ended.", "Start a new one.")
    now = datetime.now(UTC)
    me = this_process()
    if operation.owner != me and is_alive(operation.owner, operation.heartbeat_at, now):
        raise BusyError("Another process is carrying this operation out.")
    result = db.session.execute(
        sa.update(Operation)
        .where(
            Operation.id == operation.id,
            Operation.status == operation.status,
            Operation.owner == operation.owner,
        )
        .values(
            owner=me,
            status=OperationStatus.RUNNING,
            heartbeat_at=now,
            started_at=operation.started_at or now,
        )
    )
    db.session.commit()
    if cast("sa.CursorResult[Any]", result).rowcount == 0:
        raise BusyError("Another process was quicker to take this operation up.")


def _is_attended(operation: Operation) -> bool:
    if operation.owner == this_process():
        return operation.id in _running()
    return is_alive(operation.owner, operation.heartbeat_at, datetime.now(UTC))


class _Running:
    """The operations that threads of this app are at work on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: set[int] = set()

    def __contains__(self, operation_id: int) -> bool:
        with self._lock:
            return operation_id in self._ids

    @contextmanager
    def entered(self, operation_id: int) -> Iterator[None]:
        """Hold an operation.

        :raises BusyError: another thread of this app holds it.
        """
        with self._lock:
            if operation_id in self._ids:
                raise BusyError("This operation is being carried out already.")
            self._ids.add(operation_id)
        try:
            yield
        finally:
            with self._lock:
                self._ids.discard(operation_id)


def _running() -> _Running:
    found: _Running = current_app.extensions.setdefault("sah_running", _Running())
    return found
