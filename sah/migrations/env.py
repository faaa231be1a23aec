"""How Alembic runs the migrations: with the app's engine, in batch mode for SQLite."""

from typing import Any, Literal

from alembic import context
from flask import current_app

database = current_app.extensions["migrate"].db


def render_plain(kind: str, item: Any, _context: object) -> str | Literal[False]:  # noqa: ANN401
    """Write SAH's time columns as plain ones, so that a migration outlives the model."""
    if kind == "type" and type(item).__name__ == "UtcDateTime":
        return "sa.DateTime()"
    return False


def run_migrations() -> None:
    """Run what is missing, in one transaction for each migration."""
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=render_plain,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run_migrations()
