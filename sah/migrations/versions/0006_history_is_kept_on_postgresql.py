"""a history that stays on PostgreSQL as it does on SQLite since 0002.

The triggers have the names and the meaning of those. A later migration that adds a column
to ``operation`` has to make ``operation_is_final`` again, on both, as 0003 does.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# All columns but project_id, which becomes NULL when the project is deleted.
FINAL = (
    "project_name, stack_name, alias, kind, status, on_failure, reason, fingerprint, "
    "requested_by, error, undo_of_id, rest_of_id, override_reason, owner, heartbeat_at, "
    "created_at, started_at, finished_at, deployment_number"
)
REFUSE = (
    "RAISE EXCEPTION 'the history of operations cannot be changed'"
    " USING ERRCODE = 'integrity_constraint_violation'"
)
FUNCTIONS = {
    "refuse_to_change_history": f"BEGIN {REFUSE}; END",
    # The lock lets a transaction that ends the operation at the same time go first.
    "refuse_to_change_ended_move": f"""
        BEGIN
            PERFORM FROM operation
            WHERE id = OLD.operation_id AND finished_at IS NULL FOR SHARE;
            IF NOT FOUND THEN {REFUSE}; END IF;
            RETURN NEW;
        END
    """,
}
TRIGGERS = {
    "operation_is_kept": (
        "BEFORE DELETE ON operation FOR EACH ROW EXECUTE FUNCTION refuse_to_change_history()"
    ),
    "operation_is_not_emptied": (
        "BEFORE TRUNCATE ON operation EXECUTE FUNCTION refuse_to_change_history()"
    ),
    "operation_is_final": (
        f"BEFORE UPDATE OF {FINAL} ON operation FOR EACH ROW"
        " WHEN (OLD.finished_at IS NOT NULL) EXECUTE FUNCTION refuse_to_change_history()"
    ),
    "move_is_kept": (
        "BEFORE DELETE ON move FOR EACH ROW EXECUTE FUNCTION refuse_to_change_history()"
    ),
    "move_is_not_emptied": (
        "BEFORE TRUNCATE ON move EXECUTE FUNCTION refuse_to_change_history()"
    ),
    "move_is_final": (
        "BEFORE UPDATE ON move FOR EACH ROW EXECUTE FUNCTION refuse_to_change_ended_move()"
    ),
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name, body in FUNCTIONS.items():
            op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
        for name, body in TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {body}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in FUNCTIONS:
            op.execute(f"DROP FUNCTION {name}() CASCADE")  # its triggers go with it
