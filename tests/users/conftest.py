import pytest
from httpx import AsyncClient

from app.core.config import Settings
from app.core.database import Sessions
from tests.users.people import Cast


@pytest.fixture
def cast(client: AsyncClient, sessions: Sessions, settings: Settings) -> Cast:
    return Cast(client, sessions, settings)
