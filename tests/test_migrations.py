"""The schema as migrations make it, and as the models have it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command
from sqlalchemy import text

import app.models  # noqa: F401 - registers every table
from app import migrations
from app.core.config import Settings
from app.core.database import Base, create_engine
from app.core.locks import MIGRATION_LOCK
from app.embedded import Services
from tests.databases import own_database
from tests.waiting import POLL_SECONDS

TABLES = "SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = 'public'"
WAITING = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

CATALOG = {
    "columns": """
        SELECT table_name::text, column_name::text, data_type::text, is_nullable::text,
               column_default::text, numeric_precision::int, numeric_scale::int,
               character_maximum_length::int, is_identity::text, identity_generation::text
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "sequences": """
        SELECT sequencename::text, start_value, increment_by, cache_size FROM pg_sequences""",
    "storage": """
        SELECT relname::text, reloptions::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'""",
}


@pytest.fixture
async def database(template: Services) -> AsyncIterator[str]:
    """One that a test may spoil."""
    async with own_database(template) as url:
        yield url


async def ask(settings: Settings, statement: str) -> object:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def downgrade(settings: Settings) -> None:
    config = migrations.alembic_config(settings.database_url)
    await asyncio.to_thread(command.downgrade, config, "base")


async def migrate_in_a_process(settings: Settings) -> int:
    """Its exit code. Alembic's context is one for a whole process, so two need two."""
    services = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    data_dir = {"TANDEM_DATA_DIR": str(settings.data_dir)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "migrate", env={**os.environ, **services, **data_dir}
    )
    return await process.wait()


async def test_the_migrations_make_exactly_what_the_models_have(settings: Settings) -> None:
    """`alembic check` fails where a new migration would have something to do."""
    await asyncio.to_thread(command.check, migrations.alembic_config(settings.database_url))


@pytest.mark.parametrize("aspect", CATALOG)
async def test_what_alembic_does_not_compare_is_the_same_too(
    settings: Settings, template: Services, aspect: str
) -> None:
    """Against a database that SQLAlchemy makes of the models itself."""
    async with own_database(template) as url:
        await _make_of_models(settings.model_copy(update={"database_url": url}))
        made = await _rows(url, CATALOG[aspect])

    migrated = await _rows(settings.database_url, CATALOG[aspect])
    assert migrated == made
    assert made


async def test_a_migrated_database_is_at_the_newest_revision(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        present = await migrations.present_revision(connection.fetchval)
    finally:
        await connection.close()
    assert present == migrations.newest_revision()


async def test_a_database_that_was_never_migrated_is_at_none(settings: Settings) -> None:
    await downgrade(settings)
    await ask(settings, "DROP TABLE alembic_version")

    assert await _present(settings) is None


async def test_migrating_twice_is_no_different_from_once(settings: Settings) -> None:
    await migrations.migrate(settings.database_url)

    assert await _present(settings) == migrations.newest_revision()


@pytest.mark.parametrize("query", ["sslmode=disable", "ssl=disable", "sslrootcert=ca.pem"])
async def test_an_address_that_says_how_to_encrypt_is_migrated(
    settings: Settings, query: str
) -> None:
    await downgrade(settings)
    address = f"{settings.database_url}?{query}"

    assert await migrate_in_a_process(settings.model_copy(update={"database_url": address})) == 0
    assert await _present(settings) == migrations.newest_revision()


async def test_two_migrations_at_once_do_not_disturb_each_other(settings: Settings) -> None:
    await downgrade(settings)
    outcomes = await asyncio.gather(*(migrate_in_a_process(settings) for _ in range(3)))

    assert outcomes == [0, 0, 0]
    assert await _present(settings) == migrations.newest_revision()
    assert await ask(settings, "SELECT count(*) FROM relay") == 1


async def test_a_migration_that_waits_for_another_can_be_given_up(settings: Settings) -> None:
    """And a database that nobody migrated is left behind, with nobody waiting in it."""
    await downgrade(settings)
    holder = await asyncpg.connect(settings.database_url)
    await holder.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
    migrating = asyncio.create_task(migrations.migrate(settings.database_url))
    async with asyncio.timeout(10):
        while not await holder.fetchval(WAITING):  # noqa: ASYNC110 - Postgres has no event for it
            await asyncio.sleep(POLL_SECONDS)
        migrating.cancel()
        await asyncio.wait({migrating})
        while await holder.fetchval(WAITING):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(POLL_SECONDS)
    await holder.close()

    assert migrating.cancelled()
    assert await ask(settings, TABLES) == ["alembic_version"]


async def test_going_down_leaves_nothing_and_up_brings_all_back(settings: Settings) -> None:
    before = await ask(settings, TABLES)
    await downgrade(settings)
    assert await ask(settings, TABLES) == ["alembic_version"]

    await migrations.migrate(settings.database_url)

    assert isinstance(before, list)
    after = await ask(settings, TABLES)
    assert isinstance(after, list)
    assert set(after) == set(before)


@pytest.mark.parametrize("table", ["relay", "log_epoch"])
async def test_a_new_database_has_the_one_row_that_the_log_needs(
    settings: Settings, table: str
) -> None:
    assert await ask(settings, f"SELECT count(*) FROM {table}") == 1  # noqa: S608 - ours


async def _make_of_models(settings: Settings) -> None:
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


async def _rows(url: str, query: str) -> set[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(query)
    finally:
        await connection.close()
    return {tuple(row) for row in rows if "alembic" not in str(tuple(row))}


async def _present(settings: Settings) -> object:
    connection = await asyncpg.connect(settings.database_url)
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        return await connection.fetchval("SELECT version_num FROM alembic_version")
    finally:
        await connection.close()
