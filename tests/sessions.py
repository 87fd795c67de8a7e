"""Sessions of tests: one of a pool, and one for code that opens one for a moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings
from app.core.database import OpenSession, create_engine, create_sessions


@asynccontextmanager
async def one_session(settings: Settings) -> AsyncIterator[AsyncSession]:
    """Of a pool, as requests have them."""
    engine = create_engine(settings)
    async with create_sessions(engine)() as session:
        yield session
    await engine.dispose()


def always(session: AsyncSession) -> OpenSession:
    """Opens this one, and leaves it open."""

    @asynccontextmanager
    async def open_session() -> AsyncIterator[AsyncSession]:
        yield session

    return open_session
