"""The journal: what was meant to move, who wanted it and why, and how each move ended."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sah.domain.aliases import Routing
from sah.domain.operations import MoveOutcome, OperationStatus, Progress, count_progress
from sah.models.base import Base
from sah.models.projects import Project

_ACTIVE = sa.text("status IN ('queued', 'running')")


class Operation(Base):
    """One operation on a project. Rows are added and finished, never removed.

    The partial unique index lets one operation at a time be active for a project.
    ``kind``, ``status`` and ``on_failure`` are enums of ``sah.domain.operations``.
    ``deployment_number`` is that of the deployment that a rollback or roll forward goes to.
    ``error`` is why it did not succeed; until it has ended, what it waits for.
    ``override_reason`` is why aliases were moved although the stack was being updated.
    ``owner`` names the process that carries it out, ``heartbeat_at`` when that was
    last seen alive. A finished operation cannot be changed: triggers of migrations
    0002 (SQLite) and 0006 (PostgreSQL) see to it.
    """

    __tablename__ = "operation"
    __table_args__ = (
        sa.Index(
            "uq_operation_active_project",
            "project_id",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("project.id", ondelete="SET NULL"), index=True
    )
    project_name: Mapped[str] = mapped_column(sa.String(80))
    stack_name: Mapped[str] = mapped_column(sa.String(128))
    alias: Mapped[str] = mapped_column(sa.String(128))
    kind: Mapped[str] = mapped_column(sa.String(20))
    status: Mapped[str] = mapped_column(sa.String(20), default=OperationStatus.QUEUED)
    on_failure: Mapped[str] = mapped_column(sa.String(20))
    reason: Mapped[str] = mapped_column(sa.Text)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    requested_by: Mapped[str] = mapped_column(sa.String(255))
    error: Mapped[str] = mapped_column(sa.Text, default="")
    undo_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("operation.id"))
    rest_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("operation.id"))
    deployment_number: Mapped[int | None]
    override_reason: Mapped[str] = mapped_column(sa.Text, default="", server_default="")
    owner: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")
    heartbeat_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC), index=True)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    project: Mapped[Project | None] = relationship()
    moves: Mapped[list["Move"]] = relationship(
        cascade="all, delete-orphan", order_by="Move.function", back_populates="operation"
    )

    @property
    def is_active(self) -> bool:
        """Whether it may still move aliases."""
        return OperationStatus(self.status).is_active

    @property
    def waits_for(self) -> str:
        """Why it has not ended, in a sentence: AWS does not answer. Empty when it has."""
        return self.error if self.is_active else ""

    @property
    def is_checking(self) -> bool:
        """Whether it runs and asks AWS first, before it moves anything; reads the moves."""
        unmoved = all(move.attempted_at is None for move in self.moves)
        return self.status == OperationStatus.RUNNING and unmoved

    @property
    def progress(self) -> Progress:
        """How far it is; reads the moves."""
        return count_progress(move.ending for move in self.moves)

    @property
    def duration(self) -> timedelta | None:
        """How long it took, None while it has not ended; never negative, as clocks are set back."""
        if self.finished_at is None:
            return None
        return max(timedelta(0), self.finished_at - (self.started_at or self.created_at))


class Move(Base):
    """One alias of one function: from where, to where, and how it ended.

    ``detail`` says in a sentence why a move failed. ``*_weights`` go by version, 0 to 1.
    ``revision_id`` is the one that the plan was made with. ``attempted_at`` is written
    before the first call, ``verified_at`` when the alias was read at its target.
    """

    __tablename__ = "move"
    __table_args__ = (sa.UniqueConstraint("operation_id", "function"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    operation_id: Mapped[int] = mapped_column(
        sa.ForeignKey("operation.id", ondelete="CASCADE"), index=True
    )
    function: Mapped[str] = mapped_column(sa.String(140))
    from_version: Mapped[str] = mapped_column(sa.String(20))
    from_weights: Mapped[dict[str, float]] = mapped_column(default=dict)
    to_version: Mapped[str] = mapped_column(sa.String(20))
    to_weights: Mapped[dict[str, float]] = mapped_column(default=dict)
    revision_id: Mapped[str] = mapped_column(sa.String(64), default="")
    outcome: Mapped[str] = mapped_column(sa.String(20), default=MoveOutcome.PENDING)
    detail: Mapped[str] = mapped_column(sa.Text, default="")
    attempted_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    operation: Mapped[Operation] = relationship(back_populates="moves")

    @property
    def ending(self) -> tuple[MoveOutcome, bool]:
        """How it ended so far, and whether the alias was read at its target."""
        return MoveOutcome(self.outcome), self.verified_at is not None

    @property
    def before(self) -> Routing:
        """Where the alias sent its traffic when the plan was made."""
        return Routing(self.from_version, tuple(self.from_weights.items()))

    @property
    def after(self) -> Routing:
        """Where the alias shall send its traffic."""
        return Routing(self.to_version, tuple(self.to_weights.items()))
