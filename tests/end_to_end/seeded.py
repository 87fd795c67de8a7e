"""A served Tandem with the demo people and orders, as a first visitor finds it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.core.database import create_engine, create_sessions
from app.embedded import Services
from app.seed import seed
from tests.conftest import make_settings
from tests.databases import fresh_database
from tests.end_to_end.server import ServerProcess, serving


@asynccontextmanager
async def seeded_server(template: Services, directory: Path) -> AsyncIterator[ServerProcess]:
    async with fresh_database(template) as url:
        settings = make_settings(url, template, directory)
        engine = create_engine(settings)
        await seed(create_sessions(engine), settings)
        await engine.dispose()
        async with serving(url, settings.redis_url, settings.data_dir) as server:
            yield server
