"""How SAH reaches one AWS account and Region."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from sah.models.base import Base


class Account(Base):
    """``access_kind`` is one of ``AccessKind``; ``encrypted_secret`` is a MultiFernet token.

    ``revision`` counts edits, so that two people cannot overwrite each other.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80), unique=True)
    region: Mapped[str] = mapped_column(sa.String(32))
    access_kind: Mapped[str] = mapped_column(sa.String(20))
    role_arn: Mapped[str] = mapped_column(sa.String(2048), default="")
    external_id: Mapped[str] = mapped_column(sa.String(1224), default="")
    access_key_id: Mapped[str] = mapped_column(sa.String(128), default="")
    encrypted_secret: Mapped[str] = mapped_column(sa.Text, default="")
    endpoint_url: Mapped[str] = mapped_column(sa.String(2048), default="")
    aws_account_id: Mapped[str] = mapped_column(sa.String(12), default="")
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
