"""deployments with their snapshots and live periods; versions that stay when AWS deletes them.

Columns are added in place, see 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

REFUSE = "BEGIN SELECT RAISE(ABORT, 'the history of operations cannot be changed'); END"
OLD_FINAL = (
    "project_name, stack_name, alias, kind, status, on_failure, reason, fingerprint, "
    "requested_by, error, undo_of_id, rest_of_id, override_reason, owner, heartbeat_at, "
    "created_at, started_at, finished_at"
)
FINAL = f"{OLD_FINAL}, deployment_number"


def upgrade() -> None:
    op.add_column("operation", sa.Column("deployment_number", sa.Integer(), nullable=True))
    make_operations_final(FINAL)
    op.add_column("project", sa.Column("fully_synced_at", sa.DateTime(), nullable=True))
    op.add_column(
        "project", sa.Column("encrypted_salt", sa.Text(), server_default="", nullable=False)
    )
    for column in (
        sa.Column("state_reason_code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("layers", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("environment", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("gone_at", sa.DateTime(), nullable=True),
    ):
        op.add_column("published_version", column)
    make_snapshots()
    make_deployments()
    make_live_periods()


def make_operations_final(columns: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER operation_is_final")
        op.execute(
            f"CREATE TRIGGER operation_is_final BEFORE UPDATE OF {columns} ON operation"
            f" WHEN OLD.finished_at IS NOT NULL {REFUSE}"
        )


def make_snapshots() -> None:
    op.create_table(
        "snapshot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.id"],
            name=op.f("fk_snapshot_project_id_project"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("project_id", "digest", name=op.f("uq_snapshot_project_id_digest")),
    )
    op.create_table(
        "snapshot_version",
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["snapshot.id"],
            name=op.f("fk_snapshot_version_snapshot_id_snapshot"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["published_version.id"],
            name=op.f("fk_snapshot_version_version_id_published_version"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "version_id", name=op.f("pk_snapshot_version")),
    )
    op.create_index(op.f("ix_snapshot_version_version_id"), "snapshot_version", ["version_id"])


def list_deployment_columns() -> list[sa.Column]:
    texts = [
        ("reported_by", 255),
        ("commit", 64),
        ("branch", 255),
        ("author", 255),
        ("repository", 2048),
        ("ci_url", 2048),
        ("service", 255),
        ("stage", 255),
        ("region", 32),
        ("stack_id", 2048),
        ("plugin_version", 64),
        ("framework_version", 64),
        ("command", 20),
    ]
    return [
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="pending", nullable=False),
        sa.Column("source", sa.String(length=20), server_default="webhook", nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("deployed_at", sa.DateTime(), nullable=False),
        *(
            sa.Column(name, sa.String(length=length), server_default="", nullable=False)
            for name, length in texts
        ),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("snapshot_id", sa.Integer(), nullable=True),
        sa.Column("captured_at", sa.DateTime(), nullable=True),
        sa.Column("pruned_at", sa.DateTime(), nullable=True),
        sa.Column("stack_changed_at", sa.DateTime(), nullable=True),
        sa.Column("reconstructed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("no_change", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("changed", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("added", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("removed", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("elsewhere", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
    ]


def make_deployments() -> None:
    op.create_table(
        "deployment",
        *list_deployment_columns(),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.id"],
            name=op.f("fk_deployment_project_id_project"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["snapshot.id"],
            name=op.f("fk_deployment_snapshot_id_snapshot"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"],
            ["deployment.id"],
            name=op.f("fk_deployment_merged_into_id_deployment"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_deployment_project_id_number")),
        sa.UniqueConstraint(
            "project_id", "idempotency_key", name=op.f("uq_deployment_project_id_idempotency_key")
        ),
    )
    op.create_index("ix_deployment_due", "deployment", ["status", "next_try_at"])
    op.create_index("ix_deployment_time", "deployment", ["project_id", "deployed_at"])
    op.create_index(op.f("ix_deployment_snapshot_id"), "deployment", ["snapshot_id"])


def make_live_periods() -> None:
    op.create_table(
        "live_period",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.id"],
            name=op.f("fk_live_period_project_id_project"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployment.id"],
            name=op.f("fk_live_period_deployment_id_deployment"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_period")),
    )
    op.create_index(op.f("ix_live_period_project_id"), "live_period", ["project_id"])
    op.create_index(op.f("ix_live_period_deployment_id"), "live_period", ["deployment_id"])
    op.create_index(
        "uq_live_period_open_project",
        "live_period",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    for table in ("live_period", "deployment", "snapshot_version", "snapshot"):
        op.drop_table(table)
    for column in ("gone_at", "environment", "layers", "state_reason_code"):
        op.drop_column("published_version", column)
    for column in ("encrypted_salt", "fully_synced_at"):
        op.drop_column("project", column)
    make_operations_final(OLD_FINAL)
    op.drop_column("operation", "deployment_number")
