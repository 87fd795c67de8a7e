"""Connections that fell silent do not make those wait who come later."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.config import Settings
from app.core.database import Sessions, create_engine, create_sessions
from app.core.idle_connections import IdleConnections
from app.core.unavailable import is_unavailable
from tests.realtime.server_proxy import ServerProxy

POOL = 4
AT_ONCE_SECONDS = 10.0
STATEMENT_SECONDS = 2.0
WHICH = text("SELECT pg_backend_pid() FROM pg_sleep(0.1)")


@dataclass
class Stage:
    proxy: ServerProxy
    sessions: Sessions
    idle: IdleConnections

    async def ask(self, statement: str = "SELECT 1") -> None:
        async with self.sessions() as session:
            await session.execute(text(statement))

    async def ask_with_all(self) -> None:
        """Of the connections that the pool may have."""
        await self.processes()

    async def processes(self) -> set[int]:
        """Those of Postgres behind the connections of the pool."""

        async def one() -> int:
            async with self.sessions() as session:
                return int(await session.scalar(WHICH) or 0)

        return set(await asyncio.gather(*(one() for _ in range(POOL))))


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    """All connections of the pool are open and idle."""
    async with ServerProxy(database) as proxy:
        settings = Settings(database_url=proxy.url, database_pool_size=POOL)
        engine = create_engine(settings, statement_seconds=STATEMENT_SECONDS)
        stage = Stage(proxy, create_sessions(engine), IdleConnections(engine))
        await stage.ask_with_all()
        yield stage
        stage.idle.end()
        await engine.dispose()


async def test_after_their_end_nobody_waits_for_a_silent_one(stage: Stage) -> None:
    stage.proxy.swallow()
    stage.idle.end()

    async with asyncio.timeout(AT_ONCE_SECONDS):
        await stage.ask_with_all()


async def test_a_statement_without_an_answer_ends_them(stage: Stage) -> None:
    stage.proxy.swallow()
    with pytest.raises(TimeoutError):
        await stage.ask()

    async with asyncio.timeout(AT_ONCE_SECONDS):
        await stage.ask_with_all()


async def test_one_in_use_is_not_ended(stage: Stage) -> None:
    async with stage.sessions() as session:
        before = await session.scalar(WHICH)
        stage.idle.end()

        assert await session.scalar(WHICH) == before


async def test_all_are_left_once_one_finds_that_postgres_only_reads(stage: Stage) -> None:
    """As after a failover: the former primary goes on as a standby."""
    former = await stage.processes()
    async with stage.sessions() as session:
        await session.execute(text("SET TRANSACTION READ ONLY"))
        with pytest.raises(DBAPIError) as refused:
            await session.execute(text("CREATE TABLE kept ()"))

    assert is_unavailable(refused.value)
    assert not former & await stage.processes()
