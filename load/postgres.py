"""A connection to the run's own Postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from load.errors import LoadError

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What a statement raises; a TimeoutError is an OSError."""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Raises LoadError where there is none, and where a statement fails in the block."""
    try:
        connection = await asyncpg.connect(url)
    except FAILURES as error:
        raise LoadError.unreachable(f"Postgres cannot be reached: {error}") from error
    try:
        yield connection
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise LoadError.unreachable(f"Postgres failed: {error}") from error
    finally:
        await connection.close()
