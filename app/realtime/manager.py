"""ConnectionManager: who listens to what on this worker, and the flush that serves them all."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import time
from uuid import UUID

from app.core import metrics
from app.core.config import Settings
from app.realtime.connection import Connection, Subscription, Transport
from app.realtime.follower import AWAY, LogFollower
from app.realtime.limits import TokenBucket
from app.realtime.log import ChannelLog, Segment, contiguous
from app.realtime.protocol import CloseCode, UnsubscribeCode, unsubscribe_push

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5


class ConnectionManager:
    """The connections of a worker, by channel and by user.

    `watch` lets a part of the worker itself follow a channel (the access guard and `$control`).
    """

    def __init__(self, settings: Settings, follower: LogFollower) -> None:
        self.connections: set[Connection] = set()
        self.follower = follower
        self._settings = settings
        self._audience: dict[str, dict[Connection, Subscription]] = {}
        self._by_user: dict[UUID, set[Connection]] = {}
        self._watchers: dict[str, Callable[[ChannelLog], None]] = {}
        self._dirty: dict[ChannelLog, None] = {}
        self._flush_scheduled = False
        self._emptied = asyncio.Event()
        self._reads: dict[tuple[str, int], asyncio.Task[Segment | None]] = {}
        self._refills: set[asyncio.Task[None]] = set()
        follower.on_news = self._on_news
        follower.on_lost = self._on_lost
        follower.on_renewed = self.disconnect_all

    # ---------------------------------------------------------- connections

    def open(self, transport: Transport) -> Connection:
        bucket = TokenBucket(self._settings.commands_per_second, asyncio.get_running_loop().time)
        connection = Connection(transport, bucket, self._refill)
        self.connections.add(connection)
        metrics.CONNECTIONS.inc()
        return connection

    def identify(self, connection: Connection, user_id: UUID) -> None:
        """From now on a change of this user's rights reaches the connection."""
        connection.user_id = user_id
        self._by_user.setdefault(user_id, set()).add(connection)

    def of_user(self, user_id: UUID) -> list[Connection]:
        return list(self._by_user.get(user_id, ()))

    def forget(self, connection: Connection) -> None:
        """The connection is over: its cursors are given up. May be called twice."""
        if connection not in self.connections:
            return
        self.connections.discard(connection)
        metrics.CONNECTIONS.dec()
        connection.closed = True
        if not self.connections:
            self._emptied.set()
        for channel in list(connection.subscriptions):
            self.detach(connection, channel)
        if connection.user_id is not None:
            others = self._by_user.get(connection.user_id, set())
            others.discard(connection)
            if not others:
                self._by_user.pop(connection.user_id, None)

    async def emptied(self, seconds: float) -> None:
        """Until every connection is over, so long at most: close frames are on their way."""
        self._emptied.clear()
        if self.connections:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._emptied.wait()

    def disconnect_all(self, close: CloseCode = CloseCode.INSUFFICIENT_STATE) -> None:
        for connection in list(self.connections):
            connection.close(close)

    # -------------------------------------------------------- subscriptions

    def attach(self, connection: Connection, subscription: Subscription) -> None:
        """Set the cursor. The caller has acquired the log, and gives it up by this."""
        if connection not in self.connections:  # it left meanwhile
            self.follower.release(subscription.channel)
            return
        connection.subscriptions[subscription.channel] = subscription
        self._audience.setdefault(subscription.channel, {})[connection] = subscription
        metrics.SUBSCRIPTIONS.inc()

    def detach(self, connection: Connection, channel: str) -> bool:
        """Remove the cursor; whether there was one."""
        subscription = connection.subscriptions.pop(channel, None)
        if subscription is None:
            return False
        audience = self._audience[channel]
        audience.pop(connection, None)
        if not audience:
            del self._audience[channel]
        metrics.SUBSCRIPTIONS.dec()
        self.follower.release(channel)
        return True

    def audience(self, channel: str) -> list[tuple[Connection, Subscription]]:
        return list(self._audience.get(channel, {}).items())

    def end(self, connection: Connection, channel: str, code: UnsubscribeCode) -> None:
        """End a subscription from our side. SDKs drop a server-side one for good on any
        unsubscribe push, so where it shall come back the connection is closed instead.
        """
        subscription = connection.subscriptions.get(channel)
        if subscription is None:
            return
        if subscription.server_side and code is UnsubscribeCode.INSUFFICIENT_STATE:
            connection.close(CloseCode.INSUFFICIENT_STATE)
            return
        self.detach(connection, channel)
        connection.tell(unsubscribe_push(channel, code))

    def watch(self, channel: str, watcher: Callable[[ChannelLog], None]) -> None:
        self._watchers[channel] = watcher

    # ---------------------------------------------------------------- flush

    def _on_news(self, log: ChannelLog) -> None:
        watcher = self._watchers.get(log.name)
        if watcher is not None:
            watcher(log)
        if log.name not in self._audience:
            log.observed = log.head
            return
        self._dirty[log] = None
        if not self._flush_scheduled:
            self._flush_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Give every writable connection what lies after its cursor, channel by channel."""
        self._flush_scheduled = False
        dirty, self._dirty = self._dirty, {}
        with metrics.FLUSH.time():
            for log in dirty:
                for connection, subscription in self.audience(log.name):
                    if subscription.log is log:
                        connection.pump_one(subscription)
        for log in dirty:
            self._observe(log)

    def _observe(self, log: ChannelLog) -> None:
        now = time()
        for entry in log.since(log.observed):
            metrics.COMMIT_TO_SOCKET.observe(max(0.0, now - entry.at))
        log.observed = log.head

    # --------------------------------------------------------------- refill

    def _refill(self, connection: Connection, subscription: Subscription) -> None:
        subscription.refilling = True
        task = asyncio.create_task(
            self._refill_one(connection, subscription), name=f"refill {subscription.channel}"
        )
        self._refills.add(task)
        task.add_done_callback(self._refills.discard)

    async def _refill_one(self, connection: Connection, subscription: Subscription) -> None:
        """Read what follows the cursor, once for all that stand there, until Postgres answers."""
        while not connection.closed:
            try:
                segment = await asyncio.shield(self._read(subscription.log, subscription.cursor))
                break
            except AWAY as error:
                logger.warning("refill failed", extra={"error": repr(error)})
                await asyncio.sleep(RETRY_SECONDS)
        else:
            return
        subscription.refilling = False
        if connection.subscriptions.get(subscription.channel) is not subscription:
            return
        if segment is None:
            self.end(connection, subscription.channel, UnsubscribeCode.INSUFFICIENT_STATE)
            return
        subscription.segment = segment
        connection.pump()

    def _read(self, log: ChannelLog, cursor: int) -> "asyncio.Task[Segment | None]":
        key = (log.name, cursor)
        task = self._reads.get(key)
        if task is None:
            task = asyncio.create_task(self._read_segment(log, cursor), name=f"read {key}")
            self._reads[key] = task
            task.add_done_callback(lambda _done: self._reads.pop(key, None))
        return task

    async def _read_segment(self, log: ChannelLog, cursor: int) -> Segment | None:
        """None: what follows the cursor is not in the log any more."""
        found = await self.follower.reader.after({log.name: cursor}, reason="refill")
        entries = found[log.name]
        if not entries or not contiguous(cursor, entries):
            return None
        return Segment(log, cursor, entries)

    def _on_lost(self, log: ChannelLog) -> None:
        watcher = self._watchers.get(log.name)
        if watcher is not None:
            watcher(log)
        for connection, _subscription in self.audience(log.name):
            self.end(connection, log.name, UnsubscribeCode.INSUFFICIENT_STATE)

    async def aclose(self) -> None:
        tasks: Iterable[asyncio.Task[object]] = [*self._refills, *self._reads.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
