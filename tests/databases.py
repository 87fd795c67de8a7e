"""Migrated databases for tests: copied once from a template, emptied, and lent again."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

import app.models  # noqa: F401 - registers every table
from app.core.database import Base
from app.embedded import Services

TEMPLATE = "tandem_template"
OTHER_EPOCH = "UPDATE log_epoch SET value = gen_random_uuid()"
"""As after a restore: the log is another one."""

# Nobody else is connected any more, every row is gone, every sequence begins again, and the log
# is another one: what Redis may still hold belongs to an epoch that nobody asks for.
# DELETE and not TRUNCATE, which makes a new file for every table and index.
CUT_OFF = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
EMPTY = ";\n".join(
    [
        "BEGIN",
        *(f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables)),  # noqa: S608 - our own names
        "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence",
        "INSERT INTO relay (id) VALUES (1)",
        "INSERT INTO log_epoch (id, value) VALUES (1, gen_random_uuid())",
        "COMMIT",
    ]
)

MODEST = """
    CREATE ROLE {role} LOGIN PASSWORD 'modest';
    GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role};
    REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC
"""
MODEST_NO_MORE = """
    DROP OWNED BY {role};
    DROP ROLE {role};
    GRANT TEMPORARY ON DATABASE {name} TO PUBLIC
"""

names = (f"tandem_test_{number}" for number in itertools.count())
spare: list[str] = []


@asynccontextmanager
async def fresh_database(template: Services) -> AsyncIterator[str]:
    """The address of an empty, migrated database. Whoever changes tables takes `own_database`."""
    if spare:
        url = spare.pop()
    else:
        url = await _copy(template)
    yield url
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(CUT_OFF)
        await connection.execute(EMPTY)
    finally:
        await connection.close()
    spare.append(url)


@asynccontextmanager
async def own_database(template: Services, source: str = TEMPLATE) -> AsyncIterator[str]:
    """A copy for one test alone: it may do to the schema what it wants."""
    url = await _copy(template, source)
    try:
        yield url
    finally:
        await administer(template, f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")


@asynccontextmanager
async def without_temporary(url: str) -> AsyncIterator[str]:
    """The address of the database for a role that may use every table, but make nothing in its
    session: the TEMPORARY right was taken away.
    """
    name = url.rpartition("/")[2]
    role = f"modest_in_{name}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(MODEST.format(role=role, name=name))
        yield f"postgresql://{role}:modest@{url.partition('@')[2]}"
    finally:
        await connection.execute(CUT_OFF)
        await connection.execute(MODEST_NO_MORE.format(role=role, name=name))
        await connection.close()


async def _copy(template: Services, source: str = TEMPLATE) -> str:
    name = next(names)
    await administer(template, f"CREATE DATABASE {name} TEMPLATE {source}")
    return database_url(template, name)


def database_url(services: Services, name: str) -> str:
    return f"{services.database_url.rpartition('/')[0]}/{name}"


async def administer(services: Services, statement: str) -> None:
    connection = await asyncpg.connect(services.database_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
