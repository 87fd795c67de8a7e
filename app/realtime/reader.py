"""Reads of the log in Postgres, over a small pool of their own: the workers' other source.

A worker that falls behind reads here and nowhere else, so these connections are few, and none
of the requests' connections is ever taken by a reconnect storm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from app.core import metrics
from app.realtime.epoch import EPOCH
from app.realtime.log import Entry

POOL_SIZE = 3
CONNECT_SECONDS = 3
STATEMENT_SECONDS = 3
PIECE_EVENTS = 500

LOOK = f"SELECT tick, {EPOCH} AS epoch FROM relay"  # noqa: S608 - a constant

NEWS = """
    SELECT channel, max("offset") AS head FROM channel_log
    WHERE tick > $1 AND channel = ANY($2::text[]) GROUP BY channel
"""

HEADS = f"""
    SELECT {EPOCH} AS epoch, array_agg(head) AS heads FROM (
        SELECT coalesce(c.head, 0) AS head
        FROM unnest($1::text[]) WITH ORDINALITY AS wanted(name, nth)
        LEFT JOIN channels c USING (name) ORDER BY nth) known
"""  # noqa: S608 - a constant

AFTER = """
    SELECT wanted.channel, l."offset", e.created_at, e.payload
    FROM unnest($1::text[], $2::bigint[]) AS wanted(channel, cursor)
    CROSS JOIN LATERAL (
        SELECT "offset", event FROM channel_log
        WHERE channel = wanted.channel AND "offset" > wanted.cursor
        ORDER BY "offset" LIMIT $3) l
    JOIN events e ON e.id = l.event
    ORDER BY wanted.channel, l."offset"
"""

HAS = 'SELECT EXISTS (SELECT FROM channel_log WHERE channel = $1 AND "offset" = $2)'

# A prefix by tick: rows go in the order in which they were written, so a channel loses its
# oldest offsets first and never gets a hole.
PRUNE = """
    WITH front AS (
        SELECT l.tick, max(e.created_at) AS newest
        FROM (SELECT tick, event FROM channel_log ORDER BY tick LIMIT $2) l
        JOIN events e ON e.id = l.event GROUP BY l.tick),
    kept AS (
        SELECT min(tick) AS tick FROM front
        WHERE newest >= clock_timestamp() - make_interval(secs => $1)),
    gone AS (
        DELETE FROM channel_log WHERE tick IN (SELECT tick FROM front)
        AND tick < coalesce((SELECT tick FROM kept), 9223372036854775807) RETURNING 1)
    SELECT count(*) FROM gone
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What a worker finds when it looks: which log this is, how far, and the channels' heads."""

    epoch: str
    tick: int


class LogReader:
    """All statements that workers put to the log. Errors are asyncpg's, OSError or TimeoutError."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Prepare the pool; connects at the first read, so Postgres may be away."""
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=POOL_SIZE,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            server_settings={"application_name": "tandem-log", "jit": "off"},
        )

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()

    async def look(self) -> Look:
        row = (await self._fetch(LOOK))[0]
        return Look(row["epoch"], row["tick"])

    async def news(self, tick: int, channels: Sequence[str]) -> dict[str, int]:
        """The newest offset of each of the channels that got events after the tick."""
        rows = await self._fetch(NEWS, tick, channels)
        return {row["channel"]: row["head"] for row in rows}

    async def heads(self, channels: Sequence[str]) -> tuple[str, dict[str, int]]:
        """The epoch and each channel's head: 0 for one that never had an event."""
        metrics.LOG_READS.labels("activate").inc()
        row = (await self._fetch(HEADS, channels))[0]
        return row["epoch"], dict(zip(channels, row["heads"] or (), strict=True))

    async def after(
        self, cursors: Mapping[str, int], *, reason: str, limit: int = PIECE_EVENTS
    ) -> dict[str, list[Entry]]:
        """The rows after each channel's cursor, at most `limit` a channel, as they stand."""
        metrics.LOG_READS.labels(reason).inc()
        found: dict[str, list[Entry]] = {channel: [] for channel in cursors}
        for row in await self._fetch(AFTER, list(cursors), list(cursors.values()), limit):
            entry = Entry(row["offset"], row["created_at"].timestamp(), row["payload"].encode())
            found[row["channel"]].append(entry)
        return found

    async def has(self, channel: str, offset: int) -> bool:
        """Whether the log still holds this offset, and so everything after it."""
        metrics.LOG_READS.labels("recover").inc()
        return bool((await self._fetch(HAS, channel, offset))[0][0])

    async def prune(self, older_than_seconds: float, *, limit: int = 50_000) -> int:
        """Remove a prefix of the log, the oldest `limit` rows at most; how many went."""
        return int((await self._fetch(PRUNE, older_than_seconds, limit))[0][0])

    async def _fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        if self._pool is None:
            raise ConnectionError("the log reader is not open")
        try:
            return await self._pool.fetch(statement, *values)
        except asyncpg.InternalClientError as error:  # the server ended it, its farewell is read
            raise ConnectionError("the connection has ended") from error
