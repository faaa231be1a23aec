"""Tokens for programs that call the API."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sah.domain.access import Right
from sah.domain.tokens import Scope, TokenStatus
from sah.models.base import Base
from sah.models.people import User
from sah.models.projects import Project

_NOT_REVOKED = sa.text("revoked_at IS NULL")


class ApiToken(Base):
    """One token; of its secret only a digest is kept, and the first characters to know it by.

    ``user`` is whose token it is: it can never do more than that person can. None means
    a machine's. A token goes with its person and with its project, since without them
    it would be worth more than it was made for. A name is free again once revoked.
    """

    __tablename__ = "api_token"
    __table_args__ = (
        sa.Index(
            "uq_api_token_name_in_use",
            "name",
            unique=True,
            sqlite_where=_NOT_REVOKED,
            postgresql_where=_NOT_REVOKED,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    start: Mapped[str] = mapped_column(sa.String(12))
    scope: Mapped[str] = mapped_column(sa.String(20))
    project_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("project.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("user.id", ondelete="CASCADE"), index=True
    )
    created_by: Mapped[str] = mapped_column(sa.String(255))
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str] = mapped_column(sa.String(255), default="")

    project: Mapped[Project | None] = relationship()
    user: Mapped[User | None] = relationship(lazy="joined")

    @property
    def rights(self) -> frozenset[Right]:
        """What it may do now: what its scope allows, and its person can still do."""
        allowed = Scope(self.scope).rights
        if self.user_id is None:
            return allowed
        if self.user is None or not self.user.active:
            return frozenset()
        return frozenset(right for right in allowed if self.user.may(right))

    def status(self, now: datetime) -> TokenStatus:
        """Say how it stands."""
        if self.revoked_at is not None:
            return TokenStatus.REVOKED
        if self.is_expired(now):
            return TokenStatus.EXPIRED
        whole = self.rights == Scope(self.scope).rights
        return TokenStatus.IN_USE if whole else TokenStatus.ASLEEP

    def is_expired(self, now: datetime) -> bool:
        """Say whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now
