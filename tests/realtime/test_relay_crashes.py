"""The relay that dies, freezes, or loses its Postgres: nothing is lost, nothing comes twice."""

import asyncio

import pytest

from app.core.config import Settings
from tests.realtime.log_writer import LogWriter
from tests.realtime.postgres_proxy import PostgresProxy
from tests.realtime.relays import HastyRelay, Kept, published, relaying

IDLE_IN_TRANSACTION = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'tandem-relay'
                   AND datname = current_database() AND state = 'idle in transaction')
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


async def test_a_relay_that_froze_in_its_transaction_is_put_out_of_the_way(
    settings: Settings, log: LogWriter
) -> None:
    broker = Kept()
    await log.record("a")
    async with relaying(settings, Kept(), "relay.fenced=wait:60"):
        await log.until(IDLE_IN_TRANSACTION)
        async with relaying(settings, broker):
            await published(broker, "a", 1, 15)


async def test_a_relay_that_dies_before_its_commit_leaves_the_events_to_the_next(
    settings: Settings, log: LogWriter
) -> None:
    broker = Kept()
    await log.record("a", count=3)
    async with relaying(settings, Kept(), "relay.numbered=wait:60"):
        await log.until(IDLE_IN_TRANSACTION)
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
    async with PostgresProxy(database) as proxy:
        through = settings.model_copy(update={"database_url": proxy.url})
        await log.record("a")
        async with relaying(through, broker, "relay.fenced=wait:0.2", kind=HastyRelay):
            await log.until(IDLE_IN_TRANSACTION)
            proxy.swallow()
            await log.connection.execute(CUT_RELAYS)
            await published(broker, "a", 1)


async def test_a_relay_ends_when_it_is_told_to_though_its_connection_broke(
    settings: Settings, log: LogWriter
) -> None:
    await log.record("a")
    async with asyncio.timeout(5), relaying(settings, Kept(), "relay.fenced=wait:60"):
        await log.until(IDLE_IN_TRANSACTION)
        await log.connection.execute(CUT_RELAYS)
        await asyncio.sleep(0.05)  # until the relay's side has seen it; nothing tells
