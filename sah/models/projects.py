"""A project: a stack that SAH looks after, with the name of its alias."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sah.models.accounts import Account
from sah.models.base import Base


class Project(Base):
    """What a person entered, and what the last sync saw of the stack.

    ``nested_stacks`` are the ids of the stacks nested in it, however deep.
    ``stack_changed_at`` is CloudFormation's time of the last change of any of them; when
    it has not moved, a sync reads only the aliases. ``synced_at`` is the last sync that worked,
    ``fully_synced_at`` the last that read everything, ``sync_tried_at`` the last one
    at all, ``sync_error`` what it failed with. ``gone_at`` is when the stack was first
    seen to be gone. ``encrypted_salt`` salts the digests of environment variables.
    """

    __tablename__ = "project"
    __table_args__ = (sa.UniqueConstraint("account_id", "stack_name", "alias"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80), unique=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="RESTRICT"))
    stack_name: Mapped[str] = mapped_column(sa.String(128))
    alias: Mapped[str] = mapped_column(sa.String(128))
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))

    stack_id: Mapped[str] = mapped_column(sa.String(2048), default="")
    stack_status: Mapped[str] = mapped_column(sa.String(64), default="")
    stack_changed_at: Mapped[datetime | None]
    nested_stacks: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    synced_at: Mapped[datetime | None]
    fully_synced_at: Mapped[datetime | None]
    sync_tried_at: Mapped[datetime | None]
    sync_error: Mapped[str] = mapped_column(sa.Text, default="")
    gone_at: Mapped[datetime | None]
    encrypted_salt: Mapped[str] = mapped_column(sa.Text, default="", server_default="")

    account: Mapped[Account] = relationship(lazy="joined")
