"""Let two people who edit the same thing not overwrite each other."""

import sqlalchemy as sa

from sah.domain.errors import EditConflictError
from sah.extensions import db
from sah.models import Account, Project


def claim_revision(row: Account | Project, seen: int, what: str) -> None:
    """Count an edit, so that of two people who saw the same revision only one saves.

    The caller commits. ``what`` names the row in the error, such as ``the account x``.

    :raises EditConflictError: the row is at another revision than ``seen`` by now.
    """
    table = type(row)
    counted = db.session.scalar(
        sa.update(table)
        .where(table.id == row.id, table.revision == seen)
        .values(revision=seen + 1)
        .returning(table.revision)
        .execution_options(synchronize_session=False)
    )
    if counted is None:
        db.session.rollback()
        raise EditConflictError(
            f"Somebody else saved {what} in the meantime.",
            "Your entries are still here: compare them with what is stored, and save again.",
        )
    db.session.refresh(row)
