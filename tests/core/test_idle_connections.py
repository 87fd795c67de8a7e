"""Connections that fell silent do not make those wait who come later."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from app.core.config import Settings
from app.core.database import Sessions, create_engine, create_sessions
from app.core.idle_connections import IdleConnections
from tests.realtime.postgres_proxy import PostgresProxy

POOL = 4
AT_ONCE_SECONDS = 10.0
STATEMENT_SECONDS = 2.0


@dataclass
class Stage:
    proxy: PostgresProxy
    sessions: Sessions
    idle: IdleConnections

    async def ask(self, statement: str = "SELECT 1") -> None:
        async with self.sessions() as session:
            await session.execute(text(statement))

    async def ask_with_all(self) -> None:
        """Of the connections that the pool may have."""
        await asyncio.gather(*(self.ask("SELECT pg_sleep(0.1)") for _ in range(POOL)))


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    """All connections of the pool are open and idle."""
    async with PostgresProxy(database) as proxy:
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
    which = text("SELECT pg_backend_pid()")
    async with stage.sessions() as session:
        before = await session.scalar(which)
        stage.idle.end()

        assert await session.scalar(which) == before
