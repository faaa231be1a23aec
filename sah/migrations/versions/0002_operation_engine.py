"""who carries an operation out, what was attempted and read back, and a history that stays.

Columns are added in place: batch mode makes a table anew, and dropping the old one
would take the moves and the triggers with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# All columns but project_id, which becomes NULL when the project is deleted.
FINAL = (
    "project_name, stack_name, alias, kind, status, on_failure, reason, fingerprint, "
    "requested_by, error, undo_of_id, rest_of_id, override_reason, owner, heartbeat_at, "
    "created_at, started_at, finished_at"
)
REFUSE = "BEGIN SELECT RAISE(ABORT, 'the history of operations cannot be changed'); END"
TRIGGERS = {
    "operation_is_kept": f"BEFORE DELETE ON operation {REFUSE}",
    "operation_is_final": (
        f"BEFORE UPDATE OF {FINAL} ON operation WHEN OLD.finished_at IS NOT NULL {REFUSE}"
    ),
    "move_is_kept": f"BEFORE DELETE ON move {REFUSE}",
    "move_is_final": (
        "BEFORE UPDATE ON move WHEN (SELECT finished_at FROM operation"
        f" WHERE operation.id = OLD.operation_id) IS NOT NULL {REFUSE}"
    ),
}


def upgrade() -> None:
    op.add_column(
        "operation",
        sa.Column(
            "rest_of_id",
            sa.Integer(),
            sa.ForeignKey("operation.id", name=op.f("fk_operation_rest_of_id_operation")),
            nullable=True,
        ),
        inline_references=True,
    )
    for name, kind in (("override_reason", sa.Text()), ("owner", sa.String(length=200))):
        op.add_column("operation", sa.Column(name, kind, server_default="", nullable=False))
    op.add_column("operation", sa.Column("heartbeat_at", sa.DateTime(), nullable=True))
    op.add_column("move", sa.Column("attempted_at", sa.DateTime(), nullable=True))
    op.add_column("move", sa.Column("verified_at", sa.DateTime(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        for name, body in TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {body}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in TRIGGERS:
            op.execute(f"DROP TRIGGER IF EXISTS {name}")
    for name in ("attempted_at", "verified_at"):
        op.drop_column("move", name)
    for name in ("rest_of_id", "override_reason", "owner", "heartbeat_at"):
        op.drop_column("operation", name)
