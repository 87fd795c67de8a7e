"""The log's tables. Features write them by `outbox`, the relay and the readers by plain SQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base


class EventRow(Base):
    """Every event there was, as it is sent: insert-only, and the source of an entity's history.

    `id` gives the order in which the relay numbers them (identity cache 1): two events of one
    entity get theirs under the lock of its row, so in the order of their versions.
    """

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigInteger, Identity(cache=1), primary_key=True)
    event_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(Text)
    entity: Mapped[str] = mapped_column(Text)
    entity_id: Mapped[UUID]
    version: Mapped[int] = mapped_column(BigInteger)
    actor_id: Mapped[UUID | None]
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    changed: Mapped[dict[str, Any]] = mapped_column(JSONB)
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    __table_args__ = (Index("ix_events_entity_id_version", "entity_id", "version"),)


class PendingRow(Base):
    """The outbox proper: events that the relay has not numbered yet."""

    __tablename__ = "pending"

    event: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class RelayRow(Base):
    """One row. Raising `tick` is the relay's fence and tells workers that there is news."""

    __tablename__ = "relay"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    tick: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class ChannelRow(Base):
    """The offset that a channel has reached."""

    __tablename__ = "channels"
    __table_args__ = {"postgresql_with": {"fillfactor": 70}}  # noqa: RUF012 - SQLAlchemy's own

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    head: Mapped[int] = mapped_column(BigInteger)


class ChannelLogRow(Base):
    """Which event has which offset in which channel: append-only, pruned from the front."""

    __tablename__ = "channel_log"

    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    offset: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event: Mapped[int] = mapped_column(BigInteger)
    tick: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_channel_log_tick", "tick"),)


class LogEpochRow(Base):
    """One row: renewed by hand after a restore from a backup."""

    __tablename__ = "log_epoch"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    value: Mapped[UUID]
