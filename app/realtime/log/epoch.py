"""Which log this is.

The epoch names the log, not just its tables: it is made of the `log_epoch` row, the cluster's
system identifier, the database's oid and the WAL timeline. A database that was copied, restored
or failed over therefore has another one, and a position of the old log is never taken for one
of the new. An unprivileged role can read all parts.
"""

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

EPOCH = """left(md5(concat_ws(':',
    (SELECT value FROM log_epoch),
    (SELECT system_identifier FROM pg_control_system()),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    left(pg_walfile_name(pg_current_wal_lsn()), 8))), 16)"""

READ_POSITION = text(
    f"SELECT {EPOCH}, coalesce((SELECT head FROM channels WHERE name = :channel), 0)"  # noqa: S608 - a constant
)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a channel's log: all up to and including `offset` was seen."""

    channel: str
    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.channel} {self.epoch} {self.offset}"


async def read_position(session: AsyncSession, channel: str) -> Position:
    """Where the channel's log stands. Read it in a statement before the rows that it is for."""
    epoch, offset = (await session.execute(READ_POSITION, {"channel": channel})).one()
    return Position(channel, epoch, offset)


async def read_epoch(session: AsyncSession) -> str:
    return (await read_position(session, "")).epoch


async def renew_epoch(session: AsyncSession) -> None:
    """After a restore from a backup: no position given out before counts any more."""
    await session.execute(text("UPDATE log_epoch SET value = :value"), {"value": uuid4()})
