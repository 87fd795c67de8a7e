"""Databases with the demo's people and its 200 orders: seeded once, copied for whoever asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from app.core.config import Settings
from app.core.database import create_engine, create_sessions
from app.embedded import Services
from app.seed import seed
from tests.conftest import make_settings
from tests.databases import OTHER_EPOCH, TEMPLATE, administer, database_url, own_database

DEMO = "tandem_demo"


async def seed_demo(template: Services, directory: Path) -> None:
    """What `demo_settings` copies from."""
    await administer(template, f"CREATE DATABASE {DEMO} TEMPLATE {TEMPLATE}")
    settings = make_settings(database_url(template, DEMO), template, directory)
    engine = create_engine(settings)
    await seed(create_sessions(engine), settings)
    await engine.dispose()


@asynccontextmanager
async def demo_settings(demo: Services, directory: Path) -> AsyncIterator[Settings]:
    """Of a database of one's own; all share a Redis, so each has a log of its own."""
    async with own_database(demo, DEMO) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(OTHER_EPOCH)
        await connection.close()
        yield make_settings(url, demo, directory)
