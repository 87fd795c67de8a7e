"""Reads of the log in Postgres, over a small pool of their own: the workers' other source.

A worker that falls behind reads here and nowhere else, so these connections are few, and none
of the requests' connections is ever taken by a reconnect storm. Nor are all of these: what clients
wait for, refills and history, leaves one to what keeps the worker itself up to date.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import asyncpg

from app.core import metrics
from app.core.gathering import Gathering
from app.core.locks import PRUNE_LOCK
from app.core.unavailable import is_unavailable
from app.realtime.log.channel_log import ChannelLog
from app.realtime.log.epoch import EPOCH
from app.realtime.wire.batches import Entry

POOL_SIZE = 3
FOR_CLIENTS = POOL_SIZE - 1
CONNECT_SECONDS = 3
STATEMENT_SECONDS = 3
LOOK_SECONDS = 1.2  # it tells, too, that Postgres is away
PIECE_EVENTS = 500
READ_EVENTS = 20 * PIECE_EVENTS
READ_BYTES = 8 * 1024 * 1024
"""What one read brings at most, but for its last event: the worker holds all of it for a moment."""
PIECE_BYTES = 2 * 1024 * 1024
"""The same of what clients wait for, who hold it until they have taken it."""
PAGE_BYTES = 1024 * 1024
"""The same of a page for one client, which is encoded in one turn of the loop."""
PRUNED_ROWS = 20_000

LOOK = f"SELECT tick, {EPOCH} AS epoch FROM relay WHERE id = 1"  # noqa: S608 - a constant

NEWS = """
    SELECT channel, max("offset") AS head FROM channel_log
    WHERE tick > $1 AND channel = ANY($2::text[]) GROUP BY channel
"""

# The floor is the position before the oldest offset that is left: recovery may begin there.
EXTENTS = f"""
    SELECT {EPOCH} AS epoch, array_agg(head) AS heads, array_agg(floor) AS floors FROM (
        SELECT coalesce(c.head, 0) AS head, coalesce(
            (SELECT l."offset" - 1 FROM channel_log l WHERE l.channel = name
             ORDER BY l."offset" LIMIT 1), c.head, 0) AS floor
        FROM unnest($1::text[]) WITH ORDINALITY AS wanted(name, nth)
        LEFT JOIN channels c USING (name) ORDER BY nth) known
"""  # noqa: S608 - a constant

# The channels come in the order in which they are asked for, so that both bounds end the read
# behind one of them. What lies beyond is neither unpacked nor sent.
AFTER = """
    SELECT channel, "offset", at, payload FROM (
        SELECT wanted.nth, wanted.channel, l."offset", e.payload,
               extract(epoch FROM e.created_at)::float8 AS at,
               sum(octet_length(e.payload)) OVER (
                   ORDER BY wanted.nth, l."offset"
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes
        FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS wanted(channel, cursor, nth)
        CROSS JOIN LATERAL (
            SELECT "offset", event FROM channel_log
            WHERE channel = wanted.channel AND "offset" > wanted.cursor
            ORDER BY "offset" LIMIT $3) l
        JOIN events e ON e.id = l.event
        ORDER BY wanted.nth, l."offset" LIMIT $4) found
    WHERE bytes IS NULL OR bytes < $5
    ORDER BY nth, "offset"
"""

# Of what two offsets enclose, from one side on: the bound counts from where a page begins.
BETWEEN = """
    SELECT "offset", payload FROM (
        SELECT l."offset", e.payload,
               sum(octet_length(e.payload)) OVER (
                   ORDER BY l."offset" {order}
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes
        FROM channel_log l JOIN events e ON e.id = l.event
        WHERE l.channel = $1 AND l."offset" > $2 AND l."offset" <= $3) found
    WHERE bytes IS NULL OR bytes < $4
    ORDER BY "offset" {order}
"""
BETWEEN_OLDEST_FIRST = BETWEEN.format(order="ASC")
BETWEEN_NEWEST_FIRST = BETWEEN.format(order="DESC")

# A prefix by tick: rows go in the order in which they were written, so a channel loses its
# oldest offsets first and never gets a hole.
PRUNE = """
    WITH alone AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($3) AS yes),
    front AS (
        SELECT l.tick, max(e.created_at) AS newest
        FROM (SELECT tick, event FROM channel_log WHERE (SELECT yes FROM alone)
              ORDER BY tick LIMIT $2) l
        JOIN events e ON e.id = l.event GROUP BY l.tick),
    kept AS (
        SELECT min(tick) AS tick FROM front
        WHERE newest >= clock_timestamp() - make_interval(secs => $1)),
    gone AS (
        DELETE FROM channel_log WHERE tick IN (SELECT tick FROM front)
        AND tick < coalesce((SELECT tick FROM kept), 9223372036854775807) RETURNING 1)
    SELECT count(*) FROM gone
"""


Reason = Literal["activate", "recover", "refill", "repair"]
"""What a read is for, as it is counted: a client's `history` is none of these."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a worker finds when it looks: which log this is, and its last tick."""

    epoch: str
    tick: int


class Extent(NamedTuple):
    """Of a channel's log: its head, and the oldest position from which it can be read on."""

    head: int
    floor: int


class LogReader:
    """All statements that workers put to the log. Errors are asyncpg's, OSError or TimeoutError."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._for_clients = asyncio.Semaphore(FOR_CLIENTS)

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

    async def ask(self, statement: str) -> Any:
        """The one value that a statement gives, if any. Requests that wait for theirs do not delay
        it.
        """
        rows = await self._fetch(statement, limit=LOOK_SECONDS)
        return rows[0][0] if rows else None

    async def look(self) -> Look:
        row = (await self._fetch(LOOK, limit=LOOK_SECONDS))[0]
        return Look(row["epoch"], row["tick"])

    async def heads(self, channels: Sequence[str], *, since: int | None) -> dict[str, int]:
        """The newest offset of each channel that got events after the tick; None: of each."""
        if not channels:
            return {}
        if since is None:
            _epoch, extents = await self.extents(channels, reason="repair")
            return {channel: extent.head for channel, extent in extents.items()}
        rows = await self._fetch(NEWS, since, channels)
        return {row["channel"]: row["head"] for row in rows}

    async def extents(
        self, channels: Collection[str], *, reason: Reason | None
    ) -> tuple[str, dict[str, Extent]]:
        """The epoch, and how far each channel's log reaches: 0 for one without any event."""
        if reason is not None:
            metrics.LOG_READS.labels(reason).inc()
        row = (await self._fetch(EXTENTS, channels))[0]
        pairs = zip(row["heads"] or (), row["floors"] or (), strict=True)
        found = (Extent(head, floor) for head, floor in pairs)
        return row["epoch"], dict(zip(channels, found, strict=True))

    def gathering(self, reason: Reason) -> Gathering[str, tuple[str, Extent]]:
        """The same for many who ask for one channel each."""

        async def read(channels: Collection[str]) -> dict[str, tuple[str, Extent]]:
            epoch, extents = await self.extents(channels, reason=reason)
            return {channel: (epoch, extent) for channel, extent in extents.items()}

        return Gathering(read, f"extents of the log: {reason}")

    async def extent(self, channel: str) -> tuple[str, Extent]:
        """The same of one channel, for a client that asks; it waits its turn."""
        async with self._for_clients:
            epoch, extents = await self.extents([channel], reason=None)
        return epoch, extents[channel]

    async def between(
        self, channel: str, after: int, upto: int, *, newest_first: bool = False
    ) -> list[tuple[int, bytes]]:
        """Offsets and payloads of what the log holds after the one, up to the other: about
        PAGE_BYTES of it, counted from the first, but at least one event.
        """
        statement = BETWEEN_NEWEST_FIRST if newest_first else BETWEEN_OLDEST_FIRST
        async with self._for_clients:
            rows = await self._fetch(statement, channel, after, upto, PAGE_BYTES)
        return [(row["offset"], row["payload"].encode()) for row in rows]

    async def after(
        self, cursors: Mapping[str, int], *, reason: Reason, limit: int = PIECE_EVENTS
    ) -> dict[str, list[Entry]]:
        """The rows after each channel's cursor, as they stand: at most `limit` a channel.

        Of all channels together a read brings READ_EVENTS or about READ_BYTES, for clients
        PIECE_BYTES, at least one event. A channel that it did not come to is not in the answer.
        All but a repair wait their turn.
        """
        metrics.LOG_READS.labels(reason).inc()
        most = READ_BYTES if reason == "repair" else PIECE_BYTES
        wanted = (list(cursors), list(cursors.values()), limit, READ_EVENTS, most)
        async with self._turn(reason):
            rows = await self._fetch(AFTER, *wanted)
        found: dict[str, list[Entry]] = {channel: [] for channel in cursors}
        size = 0
        for nth, row in enumerate(rows, start=1):
            entry = Entry(row["offset"], row["at"], row["payload"].encode())
            found[row["channel"]].append(entry)
            size += len(entry.payload)
            if nth % PIECE_EVENTS == 0:
                await asyncio.sleep(0)  # thousands, after an outage: others have their turn
        if len(rows) == READ_EVENTS or size >= most:
            reached = list(cursors)
            for missed in reached[reached.index(rows[-1]["channel"]) + 1 :]:
                del found[missed]
        return found

    async def prune(self, older_than_seconds: float, *, limit: int = PRUNED_ROWS) -> int:
        """Remove a prefix of the log; how many rows went. Of all workers one does at a time.

        Looks at the oldest `limit` rows, and so must be larger than any relay's batch.
        """
        return int((await self._fetch(PRUNE, older_than_seconds, limit, PRUNE_LOCK))[0][0])

    def _turn(self, reason: Reason) -> AbstractAsyncContextManager[object]:
        return nullcontext() if reason == "repair" else self._for_clients

    async def _fetch(
        self, statement: str, *values: object, limit: float = STATEMENT_SECONDS
    ) -> list[asyncpg.Record]:
        """`limit` is for the answer, in seconds; one of the connections is waited for apart."""
        if self._pool is None:
            raise ConnectionError("the log reader is not open")
        try:
            async with self._pool.acquire() as connection:
                try:
                    return await connection.fetch(statement, *values, timeout=limit)
                except (TimeoutError, asyncio.CancelledError):
                    connection.terminate()  # else its release would wait for an answer again
                    raise
        except (TimeoutError, asyncpg.PostgresError) as error:
            # Silent, or no primary any more: by another connection the address may lead to one.
            if is_unavailable(error):
                await self._pool.expire_connections()
            raise
        except asyncpg.InternalClientError as error:  # the server ended it, its farewell is read
            raise ConnectionError("the connection has ended") from error


def within_a_read(behind: Iterable[ChannelLog]) -> list[ChannelLog]:
    """Those that one read may come to: what the others miss would only be sorted in vain. Those
    that miss least are first.
    """
    found, events = [], 0
    for log in sorted(behind, key=lambda log: log.target - log.head):
        if events >= READ_EVENTS:
            break
        found.append(log)
        events += min(PIECE_EVENTS, log.target - log.head)
    return found


def is_cut(entries: Sequence[Entry]) -> bool:
    """Whether a read for clients, which brought these, ended because of their size: there may be
    more.
    """
    return sum(len(entry.payload) for entry in entries) >= PIECE_BYTES
