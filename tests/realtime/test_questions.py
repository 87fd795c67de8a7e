"""What is asked of Postgres for a client that does not wait for the answer any longer."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.auth.principals import Principal
from app.core.config import Settings
from app.core.database import create_engine, create_sessions
from app.realtime.channels import Channels, Question
from app.realtime.time_limit import TimeLimit
from tests.realtime.guarded import Desk, Rooms, guarding
from tests.realtime.server_proxy import ServerProxy
from tests.realtime.stage import Player

SECONDS = 2.0
SLACK = 1.0
"""Less than SQLAlchemy and asyncpg wait for a Postgres that says nothing."""
PATIENCE = 15.0
HOLD = "SELECT pg_advisory_lock(7)"
LET_GO = "SELECT pg_advisory_unlock(7)"
HELD_UP = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


@dataclass
class Waiters:
    """`waiters:<lock>`: everybody, but Postgres says so only once that lock is free."""

    namespace: str = "waiters"
    keyed: bool = True
    presence: bool = False
    signals: type[BaseModel] | None = None
    stored: bool = True

    def may_subscribe(self, _principal: Principal, key: str) -> Question:
        return Question(locked, key)


async def locked(session: AsyncSession, keys: Collection[str]) -> Collection[str]:
    for key in keys:
        await session.execute(select(func.pg_advisory_xact_lock(int(key))))
    return keys


@dataclass
class Asked:
    """A desk whose rights are asked of an engine with one connection."""

    desk: Desk
    engine: AsyncEngine

    @property
    def channels(self) -> Channels:
        return self.desk.runtime.stations.channels

    @property
    def under_way(self) -> "set[asyncio.Task[None]]":
        """What has not ended, whether or not somebody waits for the answer."""
        return self.channels._questions.tasks

    def limit(self, seconds: float) -> None:
        """From now on commands have so much time."""
        runtime = self.desk.runtime
        runtime.stations = replace(runtime.stations, time_limit=TimeLimit(seconds))

    async def backend(self) -> int:
        """Which process of Postgres the one connection talks to; once nobody else has it."""
        async with self.engine.connect() as connection:
            return int(await connection.scalar(select(func.pg_backend_pid())) or 0)


@asynccontextmanager
async def asking(settings: Settings, address: str) -> AsyncIterator[Asked]:
    engine = create_engine(
        settings.model_copy(update={"database_url": address, "database_pool_size": 1})
    )
    async with guarding(settings, by_way_of=address) as desk:
        runtime = desk.runtime
        channels = Channels(create_sessions(engine), [Waiters(), Rooms()])
        runtime.stations = replace(runtime.stations, channels=channels)
        try:
            yield Asked(desk, engine)
        finally:
            await channels.aclose()
            await engine.dispose()


async def error_of(player: Player, **command: Any) -> int:
    """The code of the error that comes when the time is over."""
    return int((await player.ask(**command))["error"]["code"])


@pytest.mark.parametrize("method", ["subscribe", "publish", "history"])
async def test_a_right_is_not_waited_for_while_postgres_is_silent(
    settings: Settings, database: str, method: str
) -> None:
    async with (
        ServerProxy(database) as proxy,
        asking(settings, proxy.url) as asked,
        asked.desk.connected(asked.desk.somebody()) as player,
    ):
        await asked.backend()
        proxy.vanish()
        asked.limit(SECONDS)
        assert await error_of(player, **{method: {"channel": "waiters:7"}}) == 100
        assert len(asked.under_way) == 1


@pytest.mark.timed
async def test_history_is_not_waited_for_while_postgres_is_silent(
    settings: Settings, database: str
) -> None:
    history = {"history": {"channel": "rooms:a", "limit": 5}}
    async with (
        ServerProxy(database) as proxy,
        asking(settings, proxy.url) as asked,
        asked.desk.connected(asked.desk.somebody()) as player,
    ):
        assert "history" in await player.ask(**history)
        proxy.vanish()
        asked.limit(0.3)
        async with asyncio.timeout(0.3 + SLACK):
            assert await error_of(player, **history) == 100


async def test_who_leaves_while_a_right_is_asked_for_costs_no_connection(
    settings: Settings, database: str
) -> None:
    async with (
        asking(settings, database) as asked,
        asked.desk.connected(asked.desk.somebody()) as player,
    ):
        backend = await asked.backend()
        asked.limit(60)
        await asked.desk.log.connection.execute(HOLD)
        subscribing = asyncio.create_task(player.tell(subscribe={"channel": "waiters:7"}))
        await asked.desk.log.until(HELD_UP)
        subscribing.cancel()
        await asyncio.wait({subscribing})
        assert subscribing.cancelled()
        await asked.desk.log.connection.execute(LET_GO)
        assert await asked.backend() == backend


async def test_the_end_of_the_worker_ends_what_is_asked(settings: Settings, database: str) -> None:
    async with (
        asking(settings, database) as asked,
        asked.desk.connected(asked.desk.somebody()) as player,
    ):
        asked.limit(SECONDS)
        await asked.desk.log.connection.execute(HOLD)
        assert await error_of(player, subscribe={"channel": "waiters:7"}) == 100
        (question,) = asked.under_way
        async with asyncio.timeout(PATIENCE):
            await asked.channels.aclose()
        assert question.cancelled()
        assert asked.under_way == set()
