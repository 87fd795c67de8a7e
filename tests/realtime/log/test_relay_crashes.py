"""The relay that dies, freezes, or loses its Postgres: nothing is lost, nothing comes twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from app.core.config import Settings
from tests.realtime.log_writer import LogWriter
from tests.realtime.relays import HastyRelay, Kept, published, relaying
from tests.realtime.server_proxy import ServerProxy

WAITING_FOR_A_ROW = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'tandem-relay'
                   AND datname = current_database() AND wait_event = 'transactionid')
"""
CUT_RELAYS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'tandem-relay' AND datname = current_database()
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"sweep_seconds": 0.05})


def counted(last: int) -> list[int]:
    return list(range(1, last + 1))


@asynccontextmanager
async def numbering_held_up(database: str) -> AsyncIterator[None]:
    """Another holds the row that every relay has to raise first."""
    holder = await asyncpg.connect(database)
    try:
        async with holder.transaction():
            await holder.execute("SELECT FROM relay FOR UPDATE")
            yield
    finally:
        await holder.close()


async def test_a_relay_that_froze_with_the_lock_is_put_out_of_the_way(
    settings: Settings, log: LogWriter
) -> None:
    broker = Kept()
    await log.record("a")
    async with relaying(settings, Kept(), "relay.committed=wait:60"):
        await log.until("SELECT NOT EXISTS (SELECT FROM pending)")
        await log.record("a")
        async with relaying(settings, broker):
            await published(broker, "a", 2, 15)


async def test_a_relay_that_dies_before_its_commit_leaves_the_events_to_the_next(
    settings: Settings, log: LogWriter, database: str
) -> None:
    broker = Kept()
    await log.record("a", count=3)
    once = settings.model_copy(update={"sweep_seconds": 60})
    async with numbering_held_up(database), relaying(once, Kept()) as relay:
        relay.nudge()
        await log.until(WAITING_FOR_A_ROW)
        await log.connection.execute(CUT_RELAYS)
        await log.until(f"SELECT NOT ({WAITING_FOR_A_ROW})")
    assert (await log.pending(), await log.tick()) == (3, 0)
    async with relaying(settings, broker):
        await published(broker, "a", 3)
    assert await log.offsets("a") == counted(3)


async def test_a_relay_that_dies_after_its_commit_leaves_numbered_events(
    settings: Settings, log: LogWriter
) -> None:
    died, broker = Kept(), Kept()
    await log.record("a", count=3)
    async with relaying(settings, died, "relay.committed=wait:60"):
        await log.until("SELECT NOT EXISTS (SELECT FROM pending)")
    assert died.messages == []
    await log.record("a")
    async with relaying(settings, broker):
        await published(broker, "a", 4)
    assert broker.offsets("a") == [4]
    assert await log.offsets("a") == counted(4)


async def test_a_connection_that_was_cut_is_made_anew(settings: Settings, log: LogWriter) -> None:
    broker = Kept()
    async with relaying(settings, broker):
        await log.record("a")
        await published(broker, "a", 1)
        await log.connection.execute(CUT_RELAYS)
        await log.record("a")
        await published(broker, "a", 2)


async def test_a_postgres_that_vanished_without_a_word_is_given_up(
    settings: Settings, log: LogWriter, database: str
) -> None:
    broker = Kept()
    async with ServerProxy(database) as proxy:
        through = settings.model_copy(update={"database_url": proxy.url})
        async with relaying(through, broker, kind=HastyRelay):
            async with numbering_held_up(database):
                await log.record("a")
                await log.until(WAITING_FOR_A_ROW)
                proxy.swallow()
                await log.connection.execute(CUT_RELAYS)
            await published(broker, "a", 1)


async def test_a_relay_ends_when_it_is_told_to_though_its_connection_broke(
    settings: Settings, log: LogWriter, database: str
) -> None:
    await log.record("a")
    async with asyncio.timeout(5), numbering_held_up(database), relaying(settings, Kept()):
        await log.until(WAITING_FOR_A_ROW)
        await log.connection.execute(CUT_RELAYS)
