"""What the last sync saw of a project's functions."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sah.models.base import Base


class Function(Base):
    """One function of the project's stack.

    ``published_version`` is that of the stack's Version resource, empty when it has
    none. ``sync_error`` is what the last sync could not read of this function.
    """

    __tablename__ = "function"
    __table_args__ = (sa.UniqueConstraint("project_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(
        sa.ForeignKey("project.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(sa.String(140))
    logical_id: Mapped[str] = mapped_column(sa.String(255), default="")
    published_version: Mapped[str] = mapped_column(sa.String(20), default="")
    sync_error: Mapped[str] = mapped_column(sa.Text, default="")
    gone_at: Mapped[datetime | None]

    # Those that AWS still has; a deployment's snapshot may refer to others.
    versions: Mapped[list["PublishedVersion"]] = relationship(
        primaryjoin=(
            "and_(Function.id == PublishedVersion.function_id, PublishedVersion.gone_at.is_(None))"
        ),
        order_by="PublishedVersion.number.desc()",
        viewonly=True,
    )
    all_versions: Mapped[list["PublishedVersion"]] = relationship(
        cascade="all, delete-orphan", back_populates="function"
    )
    aliases: Mapped[list["FunctionAlias"]] = relationship(
        cascade="all, delete-orphan", order_by="FunctionAlias.name"
    )
    triggers: Mapped[list["FunctionTrigger"]] = relationship(
        cascade="all, delete-orphan", order_by="FunctionTrigger.id"
    )


class PublishedVersion(Base):
    """One published version. ``version`` is a ``str`` everywhere; ``number`` only sorts.

    ``environment`` has a digest of each variable's value, see ``digest_variable``.
    ``gone_at`` is when it was first seen to be deleted.
    """

    __tablename__ = "published_version"
    __table_args__ = (sa.UniqueConstraint("function_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    function_id: Mapped[int] = mapped_column(
        sa.ForeignKey("function.id", ondelete="CASCADE"), index=True
    )
    version: Mapped[str] = mapped_column(sa.String(20))
    number: Mapped[int] = mapped_column(sa.BigInteger)
    modified_at: Mapped[datetime]
    code_sha256: Mapped[str] = mapped_column(sa.String(64))
    code_size: Mapped[int] = mapped_column(sa.BigInteger)
    runtime: Mapped[str] = mapped_column(sa.String(40))
    memory_size: Mapped[int]
    timeout: Mapped[int]
    handler: Mapped[str] = mapped_column(sa.String(255), default="")
    description: Mapped[str] = mapped_column(sa.String(255), default="")
    state: Mapped[str] = mapped_column(sa.String(20), default="")
    state_reason: Mapped[str] = mapped_column(sa.Text, default="")
    state_reason_code: Mapped[str] = mapped_column(sa.String(60), default="", server_default="")
    layers: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    environment: Mapped[dict[str, str]] = mapped_column(default=dict, server_default="{}")
    gone_at: Mapped[datetime | None]

    function: Mapped[Function] = relationship(back_populates="all_versions")


class FunctionAlias(Base):
    """Any alias of a function; ``weights`` go by version, 0 to 1."""

    __tablename__ = "function_alias"
    __table_args__ = (sa.UniqueConstraint("function_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    function_id: Mapped[int] = mapped_column(
        sa.ForeignKey("function.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(sa.String(128))
    version: Mapped[str] = mapped_column(sa.String(20))
    weights: Mapped[dict[str, float]] = mapped_column(default=dict)
    revision_id: Mapped[str] = mapped_column(sa.String(64), default="")


class FunctionTrigger(Base):
    """What may start the function, and through which qualifier (empty: ``$LATEST``)."""

    __tablename__ = "function_trigger"

    id: Mapped[int] = mapped_column(primary_key=True)
    function_id: Mapped[int] = mapped_column(
        sa.ForeignKey("function.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(sa.String(60))
    source: Mapped[str] = mapped_column(sa.Text)
    qualifier: Mapped[str] = mapped_column(sa.String(128), default="")
    origin: Mapped[str] = mapped_column(sa.String(20))
    enabled: Mapped[bool] = mapped_column(default=True)
