"""Alembic's environment: one transaction under an advisory lock, so that two runs keep apart."""

import asyncio
from functools import partial

import asyncpg
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import app.models  # noqa: F401 - registers every table
from app.core.config import get_settings
from app.core.database import DRIVER, Base

ADVISORY_LOCK = 0x7A4D_0002


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        context.run_migrations()


async def run() -> None:
    url = context.config.attributes.get("url") or get_settings().database_url
    connect = partial(asyncpg.connect, url)
    engine = create_async_engine(DRIVER, async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


asyncio.run(run())
