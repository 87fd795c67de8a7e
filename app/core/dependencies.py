"""What endpoints are given: the settings, and a session for reading."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from app.core.config import Settings
from app.core.database import Sessions


async def get_request_settings(connection: HTTPConnection) -> Settings:
    """The settings that the application was made with; a test's application has its own."""
    settings: Settings = connection.state.settings
    return settings


async def get_session(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
    """A session for reading: what it holds is rolled back at the end."""
    sessions: Sessions = connection.state.sessions
    async with sessions() as session:
        yield session


SettingsDep = Annotated[Settings, Depends(get_request_settings)]
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]
