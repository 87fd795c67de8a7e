"""The database's schema, step by step, and how far a database has come."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

HERE = Path(__file__).parent
VERSION_TABLE = "SELECT to_regclass('alembic_version') IS NOT NULL"


def _config(sqlalchemy_url: str = "") -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["url"] = sqlalchemy_url
    return config


def newest_revision() -> str:
    return str(ScriptDirectory.from_config(_config()).get_current_head())


async def migrate(sqlalchemy_url: str) -> None:
    """Bring the database to the newest revision; does nothing when it is there already."""
    await asyncio.to_thread(command.upgrade, _config(sqlalchemy_url), "head")


async def present_revision(session: AsyncSession) -> str | None:
    """None: never migrated."""
    if not await session.scalar(text(VERSION_TABLE)):
        return None
    revision = await session.scalar(text("SELECT version_num FROM alembic_version"))
    return str(revision)
