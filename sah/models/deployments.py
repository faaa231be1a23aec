"""The history of deployments: who deployed what and when, and what that put live."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sah.domain.deployments import DeploymentSource, DeploymentStatus
from sah.models.base import Base
from sah.models.functions import PublishedVersion
from sah.models.projects import Project

snapshot_version = sa.Table(
    "snapshot_version",
    Base.metadata,
    sa.Column("snapshot_id", sa.ForeignKey("snapshot.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "version_id",
        sa.ForeignKey("published_version.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)


class Snapshot(Base):
    """What a deploy published, one version a function. Equal ones are stored once.

    ``digest`` is ``digest_snapshot`` of function names and versions.
    """

    __tablename__ = "snapshot"
    __table_args__ = (sa.UniqueConstraint("project_id", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("project.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(sa.String(32))

    versions: Mapped[list[PublishedVersion]] = relationship(
        secondary=snapshot_version, passive_deletes=True
    )


class Deployment(Base):
    """One deploy of a project's stack; ``number`` counts within the project, from 1.

    ``status`` and ``source`` are enums of ``sah.domain.deployments``. ``deployed_at``
    is when the webhook came, or when the stack changed where the sync noticed it.
    ``stack_changed_at`` is CloudFormation's time of the change that the snapshot shows;
    it is None for one that was ``reconstructed`` from publishing times, because the
    stack had changed again before SAH could look. ``elsewhere`` are the functions whose
    alias did not serve what the deploy published when SAH looked, with what it served.
    ``merged_into_id`` leads from a noticed deployment to the webhook's that came late.
    ``tries``, ``next_try_at`` and ``error`` are those of reading it from AWS.
    The line stays for ever; ``snapshot_id`` is None before it is captured and after
    ``pruned_at``, by the retention or, as ``error`` says then, with another stack.
    Defaults are the database's, so that a webhook writes little.
    """

    __tablename__ = "deployment"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "number"),
        sa.UniqueConstraint("project_id", "idempotency_key"),
        sa.Index("ix_deployment_due", "status", "next_try_at"),
        sa.Index("ix_deployment_time", "project_id", "deployed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("project.id", ondelete="CASCADE"))
    number: Mapped[int]
    status: Mapped[str] = mapped_column(sa.String(20), server_default=DeploymentStatus.PENDING)
    source: Mapped[str] = mapped_column(sa.String(20), server_default=DeploymentSource.WEBHOOK)
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    deployed_at: Mapped[datetime]
    reported_by: Mapped[str] = mapped_column(sa.String(255), server_default="")
    idempotency_key: Mapped[str | None] = mapped_column(sa.String(200))

    commit: Mapped[str] = mapped_column(sa.String(64), server_default="")
    branch: Mapped[str] = mapped_column(sa.String(255), server_default="")
    message: Mapped[str] = mapped_column(sa.Text, server_default="")
    author: Mapped[str] = mapped_column(sa.String(255), server_default="")
    repository: Mapped[str] = mapped_column(sa.String(2048), server_default="")
    ci_url: Mapped[str] = mapped_column(sa.String(2048), server_default="")
    service: Mapped[str] = mapped_column(sa.String(255), server_default="")
    stage: Mapped[str] = mapped_column(sa.String(255), server_default="")
    region: Mapped[str] = mapped_column(sa.String(32), server_default="")
    stack_id: Mapped[str] = mapped_column(sa.String(2048), server_default="")
    plugin_version: Mapped[str] = mapped_column(sa.String(64), server_default="")
    framework_version: Mapped[str] = mapped_column(sa.String(64), server_default="")
    command: Mapped[str] = mapped_column(sa.String(20), server_default="")

    tries: Mapped[int] = mapped_column(server_default="0")
    next_try_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(sa.Text, server_default="")

    snapshot_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("snapshot.id", ondelete="SET NULL"), index=True
    )
    captured_at: Mapped[datetime | None]
    pruned_at: Mapped[datetime | None]
    stack_changed_at: Mapped[datetime | None]
    reconstructed: Mapped[bool] = mapped_column(server_default=sa.false())
    no_change: Mapped[bool] = mapped_column(server_default=sa.false())
    changed: Mapped[list[str]] = mapped_column(server_default="[]")
    added: Mapped[list[str]] = mapped_column(server_default="[]")
    removed: Mapped[list[str]] = mapped_column(server_default="[]")
    elsewhere: Mapped[dict[str, str]] = mapped_column(server_default="{}")
    merged_into_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("deployment.id", ondelete="SET NULL")
    )

    project: Mapped[Project] = relationship()
    periods: Mapped[list["LivePeriod"]] = relationship(
        order_by="LivePeriod.id", passive_deletes=True
    )


class LivePeriod(Base):
    """When a deployment had all of the traffic; ``ended_at`` is None while it has.

    Of one project at most one is open.
    """

    __tablename__ = "live_period"
    __table_args__ = (
        sa.Index(
            "uq_live_period_open_project",
            "project_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(
        sa.ForeignKey("project.id", ondelete="CASCADE"), index=True
    )
    deployment_id: Mapped[int] = mapped_column(
        sa.ForeignKey("deployment.id", ondelete="CASCADE"), index=True
    )
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
