"""Which log a position belongs to."""

import re

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings
from app.embedded import Services
from app.realtime.log.epoch import Position, read_epoch, read_position, renew_epoch
from app.realtime.log.reader import LogReader
from tests.databases import fresh_database


async def epoch_at(url: str) -> str:
    """As the workers learn it, over a connection of their own."""
    reader = LogReader(url)
    await reader.open()
    try:
        return (await reader.look()).epoch
    finally:
        await reader.close()


async def run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_an_epoch_stays_as_it_is(session: AsyncSession) -> None:
    epoch = await read_epoch(session)

    assert re.fullmatch(r"[0-9a-f]{16}", epoch)
    assert await read_epoch(session) == epoch


async def test_callers_and_workers_read_the_same_epoch(
    session: AsyncSession, database: str
) -> None:
    assert await read_epoch(session) == await epoch_at(database)


async def test_a_renewed_epoch_is_another_one(session: AsyncSession) -> None:
    before = await read_epoch(session)
    await renew_epoch(session)
    renewed = await read_epoch(session)
    await renew_epoch(session)

    assert len({before, renewed, await read_epoch(session)}) == 3


async def test_a_copy_of_a_database_has_an_epoch_of_its_own(template: Services) -> None:
    """The rows are the same, `log_epoch` included: only the database is another."""
    async with fresh_database(template) as one, fresh_database(template) as other:
        assert await epoch_at(one) != await epoch_at(other)


async def test_a_role_without_privileges_can_read_the_epoch(
    database: str, settings: Settings
) -> None:
    name = database.rpartition("/")[2]
    role = f"reader_of_{name}"
    await run(
        database,
        f"CREATE ROLE {role} LOGIN PASSWORD 'reader'",
        f"GRANT SELECT ON log_epoch, relay TO {role}",
    )
    try:
        address = database.partition("@")[2]
        epoch = await epoch_at(f"postgresql://{role}:reader@{address}")
    finally:
        await run(database, f"DROP OWNED BY {role}", f"DROP ROLE {role}")

    assert epoch == await epoch_at(settings.database_url)


async def test_a_channel_without_events_stands_at_zero(session: AsyncSession) -> None:
    position = await read_position(session, "orders")

    assert position == Position("orders", await read_epoch(session), 0)


async def test_a_position_is_the_channels_own(session: AsyncSession) -> None:
    await session.execute(text("INSERT INTO channels VALUES ('orders', 7), ('users', 9)"))

    assert (await read_position(session, "orders")).offset == 7


def test_a_position_is_written_as_channel_epoch_and_offset() -> None:
    assert str(Position("orders:1", "abc", 7)) == "orders:1 abc 7"
