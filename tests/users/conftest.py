from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient

from app.core.config import Settings
from app.core.database import Sessions, create_engine, create_sessions
from tests.users.people import Cast


@pytest.fixture
async def sessions(settings: Settings) -> AsyncIterator[Sessions]:
    """Sessions that commit, in the database that the application sees, too."""
    engine = create_engine(settings)
    yield create_sessions(engine)
    await engine.dispose()


@pytest.fixture
def cast(client: AsyncClient, sessions: Sessions, settings: Settings) -> Cast:
    return Cast(client, sessions, settings)
