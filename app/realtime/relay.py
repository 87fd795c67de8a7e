"""The relay: gives each committed event its next offset in each of its channels, and publishes.

One relay works at a time: a session advisory lock keeps Redis in the order of the offsets. The
lock is only an optimisation. What makes it impossible to number an event twice is the fence:
raising `relay.tick` comes first in the numbering transaction, and its row lock lets the next one
go on only after this one's COMMIT.

The relay may die anywhere. Before COMMIT the events are still pending and the next relay, here
or elsewhere, takes them; after it the offsets stand, and workers find them by looking.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, Protocol

import asyncpg

from app.core import metrics
from app.core.config import Settings
from app.core.failpoints import Failpoints
from app.core.outages import Outage
from app.realtime.broker import Broker, Message
from app.realtime.outbox import CONTROL_CHANNEL

logger = logging.getLogger(__name__)

ADVISORY_LOCK = 0x7A4D_0001
LOCK_SECONDS = 2
REST_SECONDS = 0.002
GONE_MILLISECONDS = 5000

BATCH_BYTES = 8 * 1024 * 1024
"""What is published of a batch at most, but for its last event: each payload goes out once for
each of the event's channels, and the worker holds all of it for a moment.
"""

SERVER_SETTINGS = {
    "application_name": "tandem-relay",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "jit": "off",
    # A relay that vanished, or froze with its kernel still answering, frees the lock soon.
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": str(GONE_MILLISECONDS),
    "idle_session_timeout": str(GONE_MILLISECONDS),
    "lock_timeout": str(LOCK_SECONDS * 1000),
}

# The oldest is the one with the lowest id.
PENDING = """
    SELECT (SELECT count(*) FROM (SELECT FROM pending LIMIT 10000) AS waiting),
           coalesce((SELECT extract(epoch FROM clock_timestamp() - created_at) FROM events
                     WHERE id = (SELECT min(event) FROM pending)), 0)
"""

LOCK = f"SELECT pg_advisory_lock({ADVISORY_LOCK})"
UNLOCK = "SELECT pg_advisory_unlock_all()"

# No row of `relay` is updated where nothing was pending at that statement's snapshot, so no tick
# is spent on nothing.
FENCE = "UPDATE relay SET tick = tick + 1 WHERE EXISTS (SELECT FROM pending)"

# Events are looked up one by one: for a join the planner, which cannot know how few are pending,
# would read through all the events there ever were.
#
# The events that would come after $2 bytes wait for the next batch. A payload stands only in the
# row of its event's first channel: there may be many.
NUMBER = """
    WITH batch AS MATERIALIZED (
        SELECT * FROM (
            SELECT e.id, e.channels, e.payload, extract(epoch FROM e.created_at)::float8 AS at,
                   sum(octet_length(e.payload) * cardinality(e.channels)) OVER (
                       ORDER BY e.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes
            FROM events e
            WHERE e.id = ANY(ARRAY(SELECT event FROM pending ORDER BY event LIMIT $1))) waiting
        WHERE bytes IS NULL OR bytes < $2),
    entry AS MATERIALIZED (
        SELECT b.id, c.name, c.place, row_number() OVER (PARTITION BY c.name ORDER BY b.id) AS nth
        FROM batch b CROSS JOIN LATERAL unnest(b.channels) WITH ORDINALITY AS c(name, place)),
    raised AS (
        INSERT INTO channels AS c (name, head)
        SELECT name, count(*) FROM entry GROUP BY name ORDER BY name
        ON CONFLICT (name) DO UPDATE SET head = c.head + excluded.head
        RETURNING c.name, c.head),
    numbered AS MATERIALIZED (
        SELECT entry.id, entry.name, entry.place,
               raised.head - count(*) OVER (PARTITION BY entry.name) + entry.nth AS "offset"
        FROM entry JOIN raised USING (name)),
    logged AS (
        INSERT INTO channel_log (channel, "offset", event, tick)
        SELECT name, "offset", id, (SELECT tick FROM relay) FROM numbered),
    gone AS (DELETE FROM pending WHERE event = ANY(ARRAY(SELECT id FROM batch)))
    SELECT b.id, n.name, n."offset", CASE WHEN n.place = 1 THEN b.payload END AS payload, b.at,
           (SELECT tick FROM relay) AS tick
    FROM batch b LEFT JOIN numbered n USING (id) ORDER BY b.id, n.place
"""

# All of a batch's transaction in one round trip: it never waits for the relay, so that one that
# freezes holds up nobody but by the lock. Where another has the lock the answer is one row of
# nulls. To wait for it in here would number events for a relay that was killed meanwhile.
#
# Unlike the parts of one statement, each statement of a volatile function sees what was committed
# before it began (PostgreSQL, "Function Volatility Categories"): NUMBER sees what the relay before
# did, for whose COMMIT the fence has waited. The function is the session's own, so there is
# nothing to migrate.
RELAY = f"""
    CREATE FUNCTION pg_temp.relay_batch(most integer, bytes bigint)
    RETURNS TABLE (id bigint, name text, "offset" bigint, payload text, at float8,
                   tick bigint)
    LANGUAGE plpgsql VOLATILE AS $relay$
    #variable_conflict use_column
    BEGIN
        IF NOT pg_try_advisory_lock({ADVISORY_LOCK}) THEN
            RETURN NEXT;
            RETURN;
        END IF;
        {FENCE};
        IF FOUND THEN
            RETURN QUERY {NUMBER};
        END IF;
    END $relay$
"""
RELAY_BATCH = "SELECT * FROM pg_temp.relay_batch($1, $2)"


class OnNumbered(Protocol):
    def __call__(self, messages: Sequence[Message], *, alone: bool) -> None: ...


class Batch(NamedTuple):
    """What became of one: how many events it was, and whether more may be pending."""

    events: int
    more: bool


NOTHING = Batch(0, more=False)


class Relay:
    """The relay of one worker: waits for a nudge or its sweep, then drains what is pending.

    Owns one connection of its own, never pooled, closed on any error.

    `on_numbered(messages, alone=…)`: what is about to be published; `alone` says that no relay
    anywhere has numbered anything since this one's batch before.
    """

    turn_seconds = 10.0

    def __init__(self, settings: Settings, broker: Broker, failpoints: Failpoints) -> None:
        self.on_numbered: OnNumbered = lambda _messages, alone: None  # noqa: ARG005 - its name
        self._settings = settings
        self._broker = broker
        self._reach = failpoints.reach
        self._nudged = asyncio.Event()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._tick: int | None = None
        """Of the batch before on this connection."""
        self._outage = Outage(logger, "relay turn failed", "the relay works again")
        self.pending = 0
        self.pending_age = 0.0

    def nudge(self) -> None:
        """There is something to relay. Costs nothing; many nudges make one turn."""
        self._nudged.set()

    async def run(self) -> None:
        """Until cancelled. No error ends it: it is logged and the next turn connects anew."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                swept = not await self._wait()
                self._nudged.clear()
                relayed = 0
                # Without the connection every wait on it ends, even for a host that vanished
                # without a word.
                limit = loop.call_later(self.turn_seconds, self._disconnect)
                try:
                    relayed = await self._turn(look=swept or self._outage.lasts)
                    self._outage.end()
                except Exception as error:  # an edge: the relay outlives every error
                    self._outage.begin(error)
                    self._disconnect()
                    task = asyncio.current_task()
                    if task is not None and task.cancelling():  # a broken connection hid it
                        raise asyncio.CancelledError from error
                finally:
                    limit.cancel()
                if relayed > 1:  # they come fast: let more gather, a turn costs about the same
                    await asyncio.sleep(REST_SECONDS)
        finally:
            self._disconnect()

    async def _wait(self) -> bool:
        """True for a nudge, False for a sweep."""
        try:
            async with asyncio.timeout(self._settings.sweep_seconds):
                return await self._nudged.wait()
        except TimeoutError:
            return False

    async def _turn(self, *, look: bool) -> int:
        """Relay what is pending; how many events that were. `look`: measure it before."""
        connection = await self._connect()
        if look and not await self._measure(connection):
            return 0
        await self._reach("relay.lock")
        relayed, more = 0, True
        while more:
            events, more = await self._relay_batch(connection)
            relayed += events
        self._set_pending(0, 0.0)
        await connection.execute(UNLOCK)
        await self._reach("relay.unlocked")
        return relayed

    async def _relay_batch(self, connection: "asyncpg.Connection[asyncpg.Record]") -> Batch:
        """Number and publish one batch. What fails leaves the lock to the end of the connection."""
        limit = self._settings.relay_batch
        rows = await connection.fetch(RELAY_BATCH, limit, BATCH_BYTES)
        if rows and rows[0]["id"] is None:
            await connection.execute(LOCK)
            await self._reach("relay.locked")
            rows = await connection.fetch(RELAY_BATCH, limit, BATCH_BYTES)
        if not rows:
            return NOTHING
        await self._reach("relay.committed")
        messages = messages_of(rows)
        alone, self._tick = rows[0]["tick"] - 1 == self._tick, rows[0]["tick"]
        # Sockets of this worker are written to after Redis was told: others wait for that.
        asyncio.get_running_loop().call_soon(partial(self.on_numbered, messages, alone=alone))
        await self._broker.publish(messages)
        await self._reach("relay.published")
        events, size = len({row["id"] for row in rows}), sum(each.size for each in messages)
        metrics.RELAY_BATCH.observe(events)
        return Batch(events, more=events == limit or size >= BATCH_BYTES)

    async def _measure(self, connection: "asyncpg.Connection[asyncpg.Record]") -> int:
        """How much is pending, and how old it is; figures for /ready and /metrics."""
        count, age = await connection.fetchrow(PENDING) or (0, 0)
        self._set_pending(int(count), float(age))
        return int(count)

    def _set_pending(self, count: int, age: float) -> None:
        self.pending, self.pending_age = count, age
        metrics.RELAY_PENDING.set(count)
        metrics.RELAY_PENDING_AGE.set(age)

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._settings.database_url, timeout=3, server_settings=SERVER_SETTINGS
            )
            await self._connection.execute(RELAY)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection, self._tick = self._connection, None, None
        if connection is not None:
            with suppress(OSError, asyncpg.PostgresError):
                connection.terminate()


def messages_of(rows: Sequence[Any]) -> list[Message]:
    """Numbered rows (id, name, offset, payload, at) as messages in publishing order.

    Of an event's rows the first has the payload, which all its messages share.

    Events of one channel are gathered into one message, but never across a control event: a
    change of rights keeps its place among the events.
    """
    messages: list[Message] = []
    gathered: dict[str, Message] = {}
    payload = b""
    for row in rows:
        name = row["name"]
        if name is None:
            continue
        if row["payload"] is not None:
            payload = row["payload"].encode()
        if name == CONTROL_CHANNEL:
            gathered.clear()
        message = gathered.get(name)
        if message is None or message.is_full:
            message = gathered[name] = Message(name, row["offset"])
            messages.append(message)
        message.add(row["at"], payload)
        if name == CONTROL_CHANNEL:
            gathered.clear()
    return messages
