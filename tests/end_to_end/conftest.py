"""People of a served Tandem, and the writers that keep it busy."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from app.auth.principals import Role
from app.core.config import Settings
from app.core.database import create_engine, create_sessions
from app.embedded import Services
from tests.application import create_user
from tests.demo import seed_demo
from tests.end_to_end.figures import Figures, keep
from tests.end_to_end.stage import Stage


@pytest.fixture(autouse=True)
def coverage_is_of_the_single_pieces(no_cover: None) -> None:
    """Tracing the tests' own process would cost half of its time: what they test runs elsewhere."""


@pytest.fixture(scope="session")
def demo(template: Services, tmp_path_factory: pytest.TempPathFactory) -> Services:
    """Beside the empty database one with the demo's people and orders, to be copied from."""
    asyncio.run(seed_demo(template, tmp_path_factory.mktemp("demo")))
    return template


@pytest.fixture
async def people(settings: Settings) -> dict[str, str]:
    return await create_people(settings)


async def create_people(settings: Settings) -> dict[str, str]:
    """Admin, staff, Cleo and Omar by name: their e-mail addresses; all with PASSWORD."""
    engine = create_engine(settings)
    sessions = create_sessions(engine)
    roles = {"admin": Role.ADMIN, "staff": Role.STAFF, "cleo": Role.CUSTOMER, "omar": Role.CUSTOMER}
    emails = {name: f"{name}@tandem.example" for name in roles}
    for name, role in roles.items():
        await create_user(sessions, settings, emails[name], role)
    async with engine.begin() as connection:  # what they were told of themselves is not at issue
        await connection.execute(text("DELETE FROM pending"))
    await engine.dispose()
    return emails


@pytest.fixture
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(timeout=30) as client:
        yield client


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """What the test measured, whether or not it held."""
    found: Figures = {}
    yield found
    keep(request.node.name, found)


@pytest.fixture
def stage(settings: Settings, people: dict[str, str], http: AsyncClient, tmp_path: Path) -> Stage:
    return Stage(settings, people, http, tmp_path)
