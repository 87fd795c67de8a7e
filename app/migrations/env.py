"""Alembic's environment: one transaction under an advisory lock, so that two runs keep apart."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text

import app.models  # noqa: F401 - registers every table
from app.core.config import get_settings
from app.core.database import Base, run_alone
from app.core.locks import MIGRATION_LOCK


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:  # Alembic's own commands bring no connection
    url = context.config.attributes.get("url") or get_settings().database_url
    asyncio.run(run_alone(url, migrate))
