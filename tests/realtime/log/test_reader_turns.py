"""LogReader: what clients wait for leaves a connection to what keeps the worker up to date."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.realtime.log.reader import POOL_SIZE, LogReader
from tests.realtime.log_writer import LogWriter

MANY = 5 * POOL_SIZE
PATIENCE_SECONDS = 15
WAITING = """
    SELECT count(*) FROM pg_locks WHERE NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

Read = Callable[[LogReader], Coroutine[Any, Any, object]]

FOR_CLIENTS: dict[str, Read] = {
    "refill": lambda reader: reader.after({"a": 0}, reason="refill"),
    "recover": lambda reader: reader.after({"a": 0}, reason="recover"),
    "between": lambda reader: reader.between("a", 0, 9),
    "extent": lambda reader: reader.extent("a"),
}


@asynccontextmanager
async def held_up(
    log: LogWriter, tables: str, *reads: Coroutine[Any, Any, object]
) -> AsyncIterator[None]:
    """Reads that need one of these tables get no answer meanwhile, and all of them one later."""
    transaction = log.connection.transaction()
    await transaction.start()
    await log.connection.execute(f"LOCK TABLE {tables}")
    tasks = [asyncio.create_task(read) for read in reads]
    try:
        await log.until(f"SELECT ({WAITING}) >= {POOL_SIZE - 1}")
        yield
    finally:
        await transaction.rollback()
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("read", FOR_CLIENTS.values(), ids=FOR_CLIENTS)
async def test_a_worker_still_looks_while_many_clients_wait(
    reader: LogReader, log: LogWriter, read: Read
) -> None:
    await log.append("a")
    async with held_up(log, "events, channels", *(read(reader) for _ in range(MANY))):
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await reader.look()).tick == 1
            assert await reader.heads(["a"], since=0) == {"a": 1}


async def test_channels_become_active_and_are_repaired_while_many_clients_wait(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a")
    refills = (reader.after({"a": 0}, reason="refill") for _ in range(MANY))
    async with held_up(log, "events", *refills):
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await reader.extents(["a"], reason="activate"))[1] == {"a": (1, 0)}
        repair = asyncio.create_task(reader.after({"a": 0}, reason="repair"))
        await log.until(f"SELECT ({WAITING}) = {POOL_SIZE}")
    assert len((await repair)["a"]) == 1
