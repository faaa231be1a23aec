"""Read operations: the history of who moved what, when, why, and how it ended."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from sah.domain.errors import NotFoundError
from sah.domain.operations import OperationStatus
from sah.extensions import db
from sah.models import Operation


def get_operation(operation_id: int) -> Operation:
    """Read one operation with its moves.

    :raises NotFoundError: there is no such operation.
    """
    query = (
        sa.select(Operation)
        .where(Operation.id == operation_id)
        .options(selectinload(Operation.moves))
    )
    operation = db.session.scalar(query)
    if operation is None:
        raise NotFoundError("There is no such operation.")
    return operation


def find_repeated_operation(
    project_id: int, fingerprint: str, shown_at: datetime
) -> Operation | None:
    """Find the operation that a form which was sent twice has started already.

    A plan's fingerprint holds the aliases' revisions, so an operation with the same
    one that began after the plan was shown came from the same form.
    """
    for operation in list_operations(project_id, limit=5):
        if operation.fingerprint == fingerprint and operation.created_at >= shown_at:
            return operation
    return None


def list_running_operations() -> list[Operation]:
    """List the operations that have not ended, of all projects, newest first."""
    query = (
        sa.select(Operation)
        .where(Operation.status.in_([status for status in OperationStatus if status.is_active]))
        .order_by(Operation.id.desc())
        .options(selectinload(Operation.moves))
    )
    return list(db.session.scalars(query))


def list_operations(
    project_id: int | None = None, *, limit: int = 50, before_id: int | None = None
) -> list[Operation]:
    """List the latest operations, of one project or of all, newest first.

    With ``before_id`` those that began before that one.
    """
    query = (
        sa.select(Operation)
        .order_by(Operation.id.desc())
        .limit(limit)
        .options(selectinload(Operation.moves))
    )
    if project_id is not None:
        query = query.where(Operation.project_id == project_id)
    if before_id is not None:
        query = query.where(Operation.id < before_id)
    return list(db.session.scalars(query))
