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
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple

import asyncpg

from app.core import metrics
from app.core.config import Settings
from app.core.database import GONE_MILLISECONDS, KEEPALIVE
from app.core.failpoints import Failpoints
from app.core.outages import Outage
from app.core.unavailable import POSTGRES_FAILURES
from app.realtime.log.broker import Broker
from app.realtime.log.low_water import LowWater
from app.realtime.log.message import Message
from app.realtime.log.numbering import LOCK, PENDING, RELAY, RELAY_BATCH, UNLOCK
from app.realtime.outbox import CONTROL_CHANNEL

logger = logging.getLogger(__name__)

LOCK_SECONDS = 2
HOLD_SECONDS = 0.25
"""So long a backlog keeps the lock after its first batch, and for the one that was begun by then.
The other workers' relays wait for it one after the other, each for LOCK_SECONDS at most.
"""
REST_SHARE = 0.5
REST_SECONDS = 0.002
LONGEST_REST_SECONDS = 0.01

PUBLISHED_BYTES = 8 * 1024 * 1024
"""What is published of a batch at most, but for its last event: each payload goes out once for
each of the event's channels, and the worker holds all of it for a moment.
"""

SERVER_SETTINGS = {
    "application_name": "tandem-relay",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "jit": "off",
    # A relay that vanished, or froze with its kernel still answering, frees the lock soon.
    **KEEPALIVE,
    "idle_session_timeout": str(GONE_MILLISECONDS),
    "lock_timeout": str(LOCK_SECONDS * 1000),
}


class Relayed(NamedTuple):
    """Of a batch, or of a turn: how many events it was, and whether more may be pending."""

    events: int
    more: bool


NOTHING = Relayed(0, more=False)


class Relay:
    """The relay of one worker: waits for a nudge or its sweep, then drains what is pending, in
    turns of HOLD_SECONDS.

    Owns one connection of its own, never pooled, closed on any error.

    `on_numbered(messages, rights)`: what is about to be published, and the head of `$control`
    before it. `outage`: no turn works at present.
    """

    turn_seconds = 10.0

    def __init__(self, settings: Settings, broker: Broker, failpoints: Failpoints) -> None:
        self.on_numbered: Callable[[Sequence[Message], int], None] = lambda _messages, _rights: None
        self._settings = settings
        self._broker = broker
        self._reach = failpoints.reach
        self._nudged = asyncio.Event()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._low_water = LowWater()
        self.outage = Outage(logger, "relay turn failed", "the relay works again")
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
                began, relayed = monotonic(), NOTHING
                # Without the connection every wait on it ends, even for a host that vanished
                # without a word.
                limit = loop.call_later(self.turn_seconds, self._disconnect)
                try:
                    relayed = await self._turn(look=swept or self.outage.lasts)
                    self.outage.end()
                except Exception as error:  # noqa: BLE001 - an edge: the relay outlives every error
                    self.outage.begin(error)
                    self._disconnect()
                finally:
                    limit.cancel()
                if relayed.more:
                    self.nudge()
                elif relayed.events > 1:  # fast: let more gather, a turn costs about the same
                    await asyncio.sleep(rest_after(monotonic() - began))
        finally:
            self._disconnect()

    async def _wait(self) -> bool:
        """True for a nudge, False for a sweep."""
        try:
            async with asyncio.timeout(self._settings.sweep_seconds):
                return await self._nudged.wait()
        except TimeoutError:
            return False

    async def _turn(self, *, look: bool) -> Relayed:
        """Relay what is pending, for a while. `look`: measure it before."""
        connection = await self._connect()
        if self._low_water.is_old:
            self._low_water = LowWater()
        if look and not await self._measure(connection):
            return NOTHING
        await self._reach("relay.lock")
        relayed, more = await self._relay_batch(connection)
        until = monotonic() + HOLD_SECONDS  # the first may have waited for the lock
        while more and monotonic() < until:
            events, more = await self._relay_batch(connection)
            relayed += events
        if more:
            await self._measure(connection)
        else:
            self._set_pending(0, 0.0)
        await connection.execute(UNLOCK)
        await self._reach("relay.unlocked")
        return Relayed(relayed, more)

    async def _relay_batch(self, connection: "asyncpg.Connection[asyncpg.Record]") -> Relayed:
        """Number and publish one batch. What fails leaves the lock to the end of the connection."""
        limit = self._settings.relay_batch
        given = (limit, PUBLISHED_BYTES, self._low_water.after)
        rows = await connection.fetch(RELAY_BATCH, *given)
        if rows and rows[0]["id"] is None:
            await connection.execute(LOCK)
            await self._reach("relay.locked")
            rows = await connection.fetch(RELAY_BATCH, *given)
        if not rows:
            return NOTHING
        await self._reach("relay.committed")
        ids, first = {row["id"] for row in rows}, rows[0]
        self._low_water.rise(ids, first["transaction"], first["running"])
        messages = messages_of(rows)
        # Soon, so that the flush it leads to comes after Redis was told: others wait for that.
        asyncio.get_running_loop().call_soon(self.on_numbered, messages, first["rights"])
        await self._broker.publish(messages)
        await self._reach("relay.published")
        events, size = len(ids), sum(each.size for each in messages)
        metrics.RELAY_BATCH.observe(events)
        return Relayed(events, more=events == limit or size >= PUBLISHED_BYTES)

    async def _measure(self, connection: "asyncpg.Connection[asyncpg.Record]") -> int:
        """How much is pending, and how old it is; figures for /ready and /metrics."""
        count, age = await connection.fetchrow(PENDING, self._low_water.after) or (0, 0)
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
            self._low_water = LowWater()
            await self._measure(self._connection)  # also where no function may be made
            await self._connection.execute(RELAY)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*POSTGRES_FAILURES):
                connection.terminate()


def rest_after(seconds: float) -> float:
    """By how long a turn took: what makes it slow, here or in Postgres, is what waits for it."""
    return min(max(seconds * REST_SHARE, REST_SECONDS), LONGEST_REST_SECONDS)


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
