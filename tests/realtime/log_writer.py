"""Writes to the log by plain SQL: events of a test's own, with or without a relay."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from app.realtime.log.message import Message
from app.realtime.log.numbering import FENCE, NUMBER
from app.realtime.log.relay import messages_of
from tests.databases import OTHER_EPOCH

RECORD = """
    WITH event AS (
        INSERT INTO events (event_id, type, entity, entity_id, version, channels, changed, payload,
                            created_at)
        SELECT gen_random_uuid(), 'tested', 'test', gen_random_uuid(), 1, $1, '{}',
               coalesce($2, json_build_object('n', n)::text),
               clock_timestamp() - make_interval(secs => $3)
        FROM generate_series(1, $4) AS n WHERE pg_current_xact_id() IS NOT NULL
        RETURNING id)
    INSERT INTO pending SELECT id FROM event
"""
LOGGED = """
    SELECT l."offset", e.id FROM channel_log l JOIN events e ON e.id = l.event
    WHERE channel = $1 ORDER BY "offset"
"""
EVERYTHING = (1_000_000_000, 1_000_000_000, 0)
ANYTHING = FENCE.replace("$3", "0")


@dataclass
class LogWriter:
    """Its connection's transactions are the test's to begin and to end."""

    connection: "asyncpg.Connection[asyncpg.Record]"

    async def record(
        self,
        *channels: str,
        count: int = 1,
        payload: str | None = None,
        age_seconds: float = 0,
    ) -> None:
        """Events that wait for a relay; the payload of the nth is {"n": nth} unless given."""
        await self.connection.execute(RECORD, list(channels), payload, age_seconds, count)

    async def number(self) -> list[Message]:
        """Do what the relay does up to its COMMIT; what it would publish then."""
        async with self.connection.transaction():
            pending = await self.connection.execute(ANYTHING) == "UPDATE 1"
            rows = await self.connection.fetch(NUMBER, *EVERYTHING) if pending else []
        return messages_of(rows)

    async def append(
        self, *channels: str, count: int = 1, payload: str | None = None, age_seconds: float = 0
    ) -> list[Message]:
        """Events in the log of which nobody was told; the messages that were lost.

        In one transaction: a relay that runs sees them when they have their offsets.
        """
        async with self.connection.transaction():
            await self.record(*channels, count=count, payload=payload, age_seconds=age_seconds)
            return await self.number()

    async def logged(self, channel: str) -> list[tuple[int, int]]:
        """The channel's log: offset and event id, by offset."""
        rows = await self.connection.fetch(LOGGED, channel)
        return [(row["offset"], row["id"]) for row in rows]

    async def offsets(self, channel: str) -> list[int]:
        return [offset for offset, _event in await self.logged(channel)]

    async def pending(self) -> int:
        return int(await self.connection.fetchval("SELECT count(*) FROM pending"))

    async def tick(self) -> int:
        return int(await self.connection.fetchval("SELECT tick FROM relay"))

    async def cut(self, channel: str, offsets: Sequence[int]) -> None:
        """Remove these offsets from the channel's log, as no pruning does."""
        await self.connection.execute(
            'DELETE FROM channel_log WHERE channel = $1 AND "offset" = ANY($2)', channel, offsets
        )

    async def until(self, statement: str, *values: object, seconds: float = 15) -> None:
        """Ask again and again until the statement's one value is true."""
        async with asyncio.timeout(seconds):
            while not await self.connection.fetchval(statement, *values):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.01)

    async def renew_epoch(self) -> None:
        await self.connection.execute(OTHER_EPOCH)


@asynccontextmanager
async def writing(database_url: str) -> AsyncIterator[LogWriter]:
    connection = await asyncpg.connect(database_url)
    try:
        yield LogWriter(connection)
    finally:
        await connection.close()


def numbers(payloads: Sequence[bytes]) -> list[int]:
    """The `n` of each payload that `record` made."""
    return [json.loads(payload)["n"] for payload in payloads]
