"""What is asked of Postgres for a client that does not wait for the answer any longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.auth.principals import Principal
from app.core.config import Settings
from app.core.database import OpenSession, create_engine, create_sessions
from app.realtime.channels import Channels
from app.realtime.time_limit import TimeLimit
from tests.realtime.guarded import Desk, Rooms, guarding
from tests.realtime.postgres_proxy import PostgresProxy
from tests.realtime.stage import Player

SECONDS = 0.3
SLACK = 1.0
"""Less than SQLAlchemy and asyncpg wait for a Postgres that says nothing."""
SLEEPING = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'
                   AND datname = current_database() AND wait_event = 'PgSleep')
"""


@dataclass
class Sleepers:
    """`sleepers:<seconds>`: everybody, but Postgres takes its time to say so."""

    namespace: str = "sleepers"
    keyed: bool = True
    presence: bool = False
    signals: type[BaseModel] | None = None
    stored: bool = True

    async def may_subscribe(self, sessions: OpenSession, _principal: Principal, key: str) -> bool:
        async with sessions() as session:
            await session.scalar(select(func.pg_sleep(float(key))))
        return True


@dataclass
class Asked:
    """A desk whose rights are asked of an engine with one connection."""

    desk: Desk
    engine: AsyncEngine

    @property
    def channels(self) -> Channels:
        return self.desk.runtime.stations.channels

    async def backend(self) -> int:
        """Which process of Postgres the one connection talks to; once nobody else has it."""
        async with self.engine.connect() as connection:
            return int(await connection.scalar(select(func.pg_backend_pid())) or 0)


@asynccontextmanager
async def asking(settings: Settings, address: str, seconds: float) -> AsyncIterator[Asked]:
    engine = create_engine(
        settings.model_copy(update={"database_url": address, "database_pool_size": 1})
    )
    async with guarding(settings, by_way_of=address) as desk:
        runtime = desk.runtime
        channels = Channels(create_sessions(engine), [Sleepers(), Rooms()])
        limit = TimeLimit(seconds)
        runtime.stations = replace(runtime.stations, channels=channels, time_limit=limit)
        try:
            yield Asked(desk, engine)
        finally:
            await channels.aclose()
            await engine.dispose()


async def error_in_time(player: Player, **command: Any) -> int:
    """The code of the error that comes as soon as the time is over."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    code = int((await player.ask(**command))["error"]["code"])
    assert loop.time() - begun < SECONDS + SLACK
    return code


@pytest.mark.parametrize("method", ["subscribe", "publish", "history"])
async def test_a_right_is_not_waited_for_while_postgres_is_silent(
    settings: Settings, database: str, method: str
) -> None:
    async with (
        PostgresProxy(database) as proxy,
        asking(settings, proxy.url, SECONDS) as asked,
        asked.desk.connected(asked.desk.somebody()) as player,
    ):
        await asked.backend()
        proxy.vanish()
        assert await error_in_time(player, **{method: {"channel": "sleepers:0"}}) == 100


async def test_history_is_not_waited_for_while_postgres_is_silent(
    settings: Settings, database: str
) -> None:
    history = {"history": {"channel": "rooms:a", "limit": 5}}
    async with (
        PostgresProxy(database) as proxy,
        asking(settings, proxy.url, SECONDS) as asked,
        asked.desk.connected(asked.desk.somebody()) as player,
    ):
        assert "history" in await player.ask(**history)
        proxy.vanish()
        assert await error_in_time(player, **history) == 100


async def test_who_leaves_while_a_right_is_asked_for_costs_no_connection(
    settings: Settings, database: str
) -> None:
    async with (
        asking(settings, database, 60) as asked,
        asked.desk.connected(asked.desk.somebody()) as player,
    ):
        backend = await asked.backend()
        subscribing = asyncio.create_task(player.tell(subscribe={"channel": "sleepers:0.3"}))
        await asked.desk.log.until(SLEEPING)
        subscribing.cancel()
        await asyncio.wait({subscribing})
        assert subscribing.cancelled()
        assert await asked.backend() == backend


async def test_the_end_of_the_worker_ends_what_is_asked(settings: Settings, database: str) -> None:
    async with (
        asking(settings, database, SECONDS) as asked,
        asked.desk.connected(asked.desk.somebody()) as player,
    ):
        assert await error_in_time(player, subscribe={"channel": "sleepers:60"}) == 100
        (question,) = asked.channels._questions._tasks
        async with asyncio.timeout(SLACK):
            await asked.channels.aclose()
        assert question.cancelled()
        assert asked.channels._questions._tasks == set()
