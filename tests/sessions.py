"""The session of a test for code that opens one for a moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import OpenSession


def always(session: AsyncSession) -> OpenSession:
    """Opens this one, and leaves it open."""

    @asynccontextmanager
    async def open_session() -> AsyncIterator[AsyncSession]:
        yield session

    return open_session
