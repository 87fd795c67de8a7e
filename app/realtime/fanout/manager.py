"""ConnectionManager: who listens to what on this worker."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID

from app.core import metrics
from app.core.config import Settings
from app.realtime.fanout.budget import Budget
from app.realtime.fanout.closing import Closing
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.flush import Flush
from app.realtime.fanout.refill import Refills
from app.realtime.fanout.subscription import Subscription
from app.realtime.fanout.transport import Writer
from app.realtime.log.channel_log import ChannelLog
from app.realtime.log.follower import LogFollower
from app.realtime.wire.batches import pack
from app.realtime.wire.codec import JSON, Codec
from app.realtime.wire.codes import CloseCode, UnsubscribeCode
from app.realtime.wire.frames import Message
from app.realtime.wire.protocol import Push, unsubscribe_push

logger = logging.getLogger(__name__)


class ConnectionManager:
    """The connections of a worker, by channel and by user.

    `watch` lets a part of the worker itself follow a channel (the access guard and `$control`).
    `on_blocked(connection)`: something waits to be written and its transport takes no more.
    `on_attached(subscription)`, `on_detached(subscription)`: a cursor is set, or is gone.
    """

    def __init__(self, settings: Settings, follower: LogFollower) -> None:
        self.connections: set[Connection] = set()
        self.follower = follower
        self.on_blocked: Callable[[Connection], None] = lambda _connection: None
        self.on_attached: Callable[[Subscription], None] = lambda _subscription: None
        self.on_detached: Callable[[Subscription], None] = lambda _subscription: None
        self._settings = settings
        self._audience: dict[str, dict[Connection, Subscription]] = {}
        self._by_user: dict[UUID, set[Connection]] = {}
        self._watchers: dict[str, Callable[[ChannelLog], None]] = {}
        self._emptied = asyncio.Event()
        self._flush = Flush(self.audience)
        self._closing = Closing()
        self._refills = Refills(follower.reader, self._on_refilled, self._on_unreadable)
        follower.on_news = self._on_news
        follower.on_lost = self._on_lost
        follower.on_renewed = self.disconnect_all

    # ---------------------------------------------------------- connections

    def open(self, transport: Writer, codec: Codec = JSON) -> Connection:
        budget = Budget.of(self._settings, asyncio.get_running_loop().time)
        connection = Connection(transport, self, budget, codec)
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
        """All at once as far as they are told anything; their clients learn of it one by one."""
        self._closing.begin(self.connections, close)

    # -------------------------------------------------------- subscriptions

    def attach(self, subscription: Subscription) -> None:
        """Set the cursor. The caller has acquired the log, and gives it up by this."""
        connection, channel = subscription.connection, subscription.channel
        if connection.closed:  # or lost, meanwhile
            self.follower.release(channel)
            return
        connection.subscriptions[channel] = subscription
        self._audience.setdefault(channel, {})[connection] = subscription
        metrics.SUBSCRIPTIONS.inc()
        self.on_attached(subscription)

    def detach(self, connection: Connection, channel: str) -> bool:
        """Remove the cursor; whether there was one."""
        subscription = connection.subscriptions.pop(channel, None)
        if subscription is None:
            return False
        subscription.ended, subscription.segment = True, None
        audience = self._audience[channel]
        audience.pop(connection, None)
        if not audience:
            del self._audience[channel]
        metrics.SUBSCRIPTIONS.dec()
        self.follower.release(channel)
        self.on_detached(subscription)
        return True

    def audience(self, channel: str) -> list[Subscription]:
        """Who follows the channel now: a snapshot."""
        return list(self._audience.get(channel, {}).values())

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

    def announce(
        self,
        channel: str,
        pushes: Sequence[Push],
        meant: Callable[[Subscription], bool],
        *,
        withhold: bool = False,
    ) -> None:
        """Tell these, in order, to whom they are meant for and can take something at this moment;
        nobody else ever, but with `withhold` whoever is suspended, by `resume`. They are joined
        once, and written in the slices of the flush.
        """
        packed: dict[Codec, list[Message]] = {}
        for subscription in self.audience(channel):
            if (subscription.suspended and not withhold) or not meant(subscription):
                continue
            codec = subscription.connection.codec
            if codec not in packed:
                packed[codec] = pack(codec, [codec.encode(push) for push in pushes])
            if subscription.suspended:
                subscription.withhold(packed[codec])
            else:
                subscription.connection.tell_soon_or_never(packed[codec])

    def resume(self, subscription: Subscription) -> None:
        """It is not suspended any more, and is told what was withheld; if that was too much it
        ends, so that its client asks anew. What lies after its cursor is left to the caller.
        """
        subscription.suspended = False
        withheld, subscription.withheld = subscription.withheld, ()
        if withheld is None:
            self._on_unreadable(subscription)
        elif withheld:
            subscription.connection.tell_soon_or_never(withheld)

    # ------------------------------------------------------------- the log

    def _on_news(self, log: ChannelLog) -> None:
        watcher = self._watchers.get(log.name)
        if watcher is not None:
            watcher(log)
        if log.name in self._audience:
            self._flush.mark(log)
        else:
            log.observed = log.head

    def _on_lost(self, log: ChannelLog) -> None:
        watcher = self._watchers.get(log.name)
        if watcher is not None:
            watcher(log)
        for subscription in self.audience(log.name):
            self._on_unreadable(subscription)

    def _on_unreadable(self, subscription: Subscription) -> None:
        code = UnsubscribeCode.INSUFFICIENT_STATE
        self.end(subscription.connection, subscription.channel, code)

    def _on_refilled(self, subscription: Subscription) -> None:
        self._flush.pump_later(subscription.connection)

    # ---------------------------------------------- what connections ask for

    def refill(self, subscription: Subscription) -> None:
        self._refills.request(subscription)

    def blocked(self, connection: Connection) -> None:
        self.on_blocked(connection)

    def unblocked(self, connection: Connection) -> None:
        self._flush.pump_later(connection)

    async def aclose(self) -> None:
        self._flush.cancel()
        self._closing.finish()
        await self._refills.aclose()
