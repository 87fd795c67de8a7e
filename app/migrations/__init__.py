"""The database's schema, step by step, and how far a database has come."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import Connection

from app.core.database import CONNECT_SECONDS, run_alone
from app.core.operator_errors import OperatorError

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent
VERSION_TABLE = "SELECT to_regclass('alembic_version') IS NOT NULL"
VERSION = "SELECT version_num FROM alembic_version"


Ask = Callable[[str], Awaitable[Any]]
"""The one value that a statement gives."""


class MigrationError(OperatorError):
    """Why the database cannot be brought to the newest revision."""


def revisions() -> list[str]:
    """Of `versions`, whose files are named REVISION_what_it_does.py; ascending."""
    return sorted(path.name.partition("_")[0] for path in HERE.glob("versions/[0-9]*_*.py"))


def newest_revision() -> str:
    return revisions()[-1]


def is_newer(revision: str) -> bool:
    """Of a later release, whose schema this one can live with: revisions are digits, ascending."""
    return revision.isdecimal() and revision > newest_revision()


async def migrate(database_url: str) -> str:
    """Bring the database (postgresql://…) to the newest revision; the one that it is at then.

    What is there already, or beyond, is left as it is. Raises MigrationError where another
    application has made the schema.
    """
    connection = await asyncpg.connect(database_url, timeout=CONNECT_SECONDS)
    try:
        present = await present_revision(connection.fetchval)
    finally:
        await connection.close()
    if present and (present == newest_revision() or is_newer(present)):
        return str(present)
    if present and present not in revisions():
        raise MigrationError(f"the database is at revision {present}, which is none of Tandem's")
    await _upgrade(database_url)
    return newest_revision()


def alembic_config(database_url: str) -> "Config":
    """For Alembic's own commands."""
    from alembic.config import Config  # noqa: PLC0415 - slow to import, and seldom needed

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["url"] = database_url
    return config


async def _upgrade(database_url: str) -> None:
    """On the caller's loop and no thread, so that it can be cancelled while it waits for a lock."""
    from alembic import command  # noqa: PLC0415 - slow to import, and seldom needed

    def upgrade(connection: Connection) -> None:
        config = alembic_config(database_url)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    await run_alone(database_url, upgrade)


async def present_revision(ask: Ask) -> str | None:
    """None: never migrated."""
    return await ask(VERSION) if await ask(VERSION_TABLE) else None
