"""The database's schema, step by step, and how far a database has come."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent
VERSION_TABLE = "SELECT to_regclass('alembic_version') IS NOT NULL"
VERSION = "SELECT version_num FROM alembic_version"


def newest_revision() -> str:
    """The newest of `versions`, whose files are named REVISION_what_it_does.py, ascending."""
    return max(path.name.partition("_")[0] for path in HERE.glob("versions/[0-9]*_*.py"))


async def migrate(database_url: str) -> None:
    """Bring the database (postgresql://…) to the newest revision, if it is not there already."""
    connection = await asyncpg.connect(database_url)
    try:
        made = await connection.fetchval(VERSION_TABLE)
        present = await connection.fetchval(VERSION) if made else None
    finally:
        await connection.close()
    if present != newest_revision():
        await asyncio.to_thread(_upgrade, database_url)


def alembic_config(database_url: str) -> "Config":
    """For Alembic's own commands."""
    from alembic.config import Config  # noqa: PLC0415 - slow to import, and seldom needed

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["url"] = database_url
    return config


def _upgrade(database_url: str) -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, and seldom needed

    command.upgrade(alembic_config(database_url), "head")


async def present_revision(session: AsyncSession) -> str | None:
    """None: never migrated."""
    if not await session.scalar(text(VERSION_TABLE)):
        return None
    revision = await session.scalar(text(VERSION))
    return str(revision)
