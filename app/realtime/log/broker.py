"""The fast wire: Redis pub/sub between the relay and the workers.

Guaranteed: nothing. A message may be lost, late, repeated or out of order; the link may be cut
without a word, or Redis may hang. Each message therefore carries the offsets of its events, and
whoever follows a channel asks Postgres for what it missed. What this module promises instead:

- `publish` returns within PATIENCE_SECONDS whatever Redis does, and never raises for its sake;
- `signal` returns at once and never raises for Redis' sake, nor does it delay `publish`;
- `subscribe` returns within ACK_SECONDS;
- a dead link that listens is noticed within about LINK_QUIET_SECONDS + the Redis time limit, and
  made anew with every channel that is wanted; `on_up` is called each time, since anything may be
  missing; one that speaks is noticed by the next batch;
- `up` tells the truth about both directions, and does so again within about PROBE_SECONDS.

Beside events a channel carries what is ephemeral: signals, and changes of who is present, which
`presence` publishes by its scripts. They have a lane of their own and wait for nothing.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from app.core import metrics
from app.core.outages import Outage
from app.core.unavailable import REDIS_FAILURES
from app.realtime.log.link import Link
from app.realtime.log.message import PRESENCE, SIGNAL, Message
from app.realtime.log.sender import Sender

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.05
ACK_SECONDS = 0.25
LINK_QUIET_SECONDS = 0.5
PROBE_SECONDS = 0.5
RECONNECT_SECONDS = 0.2
SUBSCRIBED_AT_ONCE = 1_000


class Broker:
    """One worker's links to Redis: those that speak, and one that listens.

    `epoch` is part of each Redis name, since Redis pub/sub knows no database numbers and several
    deployments may share one Redis. `on_up`, `on_gap`: the link came up, so anything may have
    been missed. `on_signal(channel, data)`: one JSON document, as somebody gave it to `signal`.
    `on_presence(channel, data)`: see `mirror`. Both may raise ValueError for what is not ours.
    """

    def __init__(self, redis_url: str, timeout_seconds: float) -> None:
        self.on_message: Callable[[Message], None] = lambda _message: None
        self.on_signal: Callable[[str, bytes], None] = lambda _channel, _data: None
        self.on_presence: Callable[[str, bytes], None] = lambda _channel, _data: None
        self.on_up: Callable[[], None] = lambda: None
        self.on_gap: Callable[[], None] = lambda: None
        self._timeout = timeout_seconds
        self._redis: Redis = Redis.from_url(
            redis_url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0, supported_errors=()),  # a broken link is ours to mend
            client_name="tandem",
        )
        self._epoch = ""
        self._prefix = self.key("").encode()
        self._link: Link | None = None
        self._outage = Outage(logger, "redis link lost", "redis link is back")
        self._wanted: dict[str, asyncio.Event] = {}
        self._events = Sender(self._redis, timeout_seconds, self._set_publishing)
        self._signals = Sender(self._redis, timeout_seconds, self._hear_of_signals)
        self._publishing_works = True
        self._healing: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        return self._link is not None and self._publishing_works

    @property
    def redis(self) -> Redis:
        """For what may be lost: presence, rate windows. With time limits, no retries."""
        return self._redis

    def key(self, name: str) -> str:
        """The name of a Redis key or channel of this log."""
        return f"tandem:{self._epoch}:{name}"

    async def connect_anew(self) -> None:
        """Whoever speaks next connects: by the address there may be another Redis meanwhile."""
        self._events.connect_anew()
        self._signals.connect_anew()
        with suppress(*REDIS_FAILURES):
            async with asyncio.timeout(self._timeout):  # by TLS it waits for a farewell
                await self._redis.connection_pool.disconnect(inuse_connections=False)

    # ---------------------------------------------------------------- publishing

    async def publish(self, messages: Sequence[Message]) -> None:
        """Send the batch in one write; while Redis does not answer it is not sent at all."""
        if not messages or self._events.busy or self._events.broken:
            return
        self._events.offer((self.key(each.channel), each.encode()) for each in messages)
        if not await self._events.wait(PATIENCE_SECONDS):
            self._set_publishing(works=False)

    def signal(self, channel: str, data: bytes) -> None:
        """Tell whoever listens to the channel now; a JSON document, which may be lost."""
        self._signals.offer([(self.key(channel), SIGNAL + data)])

    def _set_publishing(self, works: bool) -> None:  # noqa: FBT001 - the port of Sender
        self._publishing_works = works
        metrics.REDIS_UP.set(self.up)
        if not works and (self._healing is None or self._healing.done()):
            self._healing = asyncio.create_task(self._heal(), name="broker-heal")

    def _hear_of_signals(self, works: bool) -> None:  # noqa: FBT001 - the port of Sender
        """That they go through says nothing of the events' connection."""
        if not works:
            self._set_publishing(works=False)

    async def _heal(self) -> None:
        """Finds out that publishing works again without an event having to wait for it."""
        await asyncio.sleep(PROBE_SECONDS)
        while not self._publishing_works:
            if not self._events.busy:  # else that batch will tell
                await self._probe()
            await asyncio.sleep(PROBE_SECONDS)

    async def _probe(self) -> None:
        """Whether Redis answers who connects now."""
        await self.connect_anew()
        with suppress(*REDIS_FAILURES):
            async with asyncio.timeout(self._timeout):
                await self._redis.ping()
            self._events.mend()
            self._signals.mend()
            self._set_publishing(works=True)

    # ----------------------------------------------------------------- listening

    async def subscribe(self, channel: str) -> bool:
        """Want the channel from now on; whether Redis acknowledged it in time."""
        acknowledged = self._wanted.setdefault(channel, asyncio.Event())
        if self._link is None or not self._link.is_open:
            return False
        self._link.subscribe(self.key(channel))
        with suppress(TimeoutError):
            async with asyncio.timeout(ACK_SECONDS):
                await acknowledged.wait()
        return acknowledged.is_set()

    def unsubscribe(self, *channels: str) -> None:
        for channel in channels:
            self._wanted.pop(channel, None)
        if self._link is not None:
            self._link.unsubscribe(*map(self.key, channels))

    def set_epoch(self, epoch: str) -> None:
        """From now on speak and listen under the names of this log."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._prefix = self.key("").encode()
            self.drop_link()

    async def run(self) -> None:
        """Keep the listening link alive until cancelled."""
        while not _is_cancelled():
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - an edge: the link outlives every error
                self._outage.begin(error)
            finally:
                self.drop_link()
            await asyncio.sleep(RECONNECT_SECONDS * (0.5 + random.random()))  # noqa: S311 - jitter

    async def _listen(self) -> None:
        """One life of the link: subscribe to everything that is wanted, then watch it."""
        async with asyncio.timeout(self._timeout):
            link = self._link = await Link.open(self._redis, self._take)
        await self._subscribe_all(link)
        if self._link is not link:  # dropped meanwhile
            return
        self._outage.end()
        metrics.REDIS_UP.set(self.up)
        self.on_up()
        self.on_gap()
        await self._watch(link)

    async def _subscribe_all(self, link: Link) -> None:
        """Whatever is wanted, some at a time: others have their turn in between."""
        self._wanted = {name: asyncio.Event() for name in self._wanted}
        link.subscribe(self.key(""))
        names = list(self._wanted)
        for first in range(0, len(names), SUBSCRIBED_AT_ONCE):
            some = names[first : first + SUBSCRIBED_AT_ONCE]
            link.subscribe(*(self.key(name) for name in some if name in self._wanted))
            await asyncio.sleep(0)

    async def _watch(self, link: Link) -> None:
        """Until the link ends or stays silent: a quiet link is asked for a pong."""
        loop = asyncio.get_running_loop()
        asked_at = 0.0
        while not _is_cancelled():
            now = loop.time()
            wait = link.heard_at + LINK_QUIET_SECONDS - now
            if wait <= 0:
                if asked_at <= link.heard_at:  # not since then
                    asked_at = now
                    link.ping()
                elif now >= asked_at + self._timeout:
                    raise TimeoutError("the link did not answer a ping")
                wait = min(LINK_QUIET_SECONDS, asked_at + self._timeout - now)
            if await link.ends(wait):
                return

    def _take(self, reply: object) -> None:
        match reply:
            case [b"message", bytes(topic), bytes(data)]:
                self._hear(topic, data)
            case [b"subscribe", bytes(topic), _]:
                self._acknowledge(topic)

    def _hear(self, topic: bytes, data: bytes) -> None:
        channel = self._channel(topic)
        try:
            if data.startswith(SIGNAL):
                self.on_signal(channel, data.removeprefix(SIGNAL))
                return
            if data.startswith(PRESENCE):
                self.on_presence(channel, data.removeprefix(PRESENCE))
                return
            message = Message.decode(channel, data)
        except ValueError:
            logger.warning("foreign message", extra={"channel": channel})
            return
        self.on_message(message)

    def _acknowledge(self, topic: bytes) -> None:
        acknowledged = self._wanted.get(self._channel(topic))
        if acknowledged is not None:
            acknowledged.set()

    def _channel(self, topic: bytes) -> str:
        return topic.removeprefix(self._prefix).decode()

    def drop_link(self) -> None:
        """`run` makes another. One that is being opened stays."""
        link, self._link = self._link, None
        metrics.REDIS_UP.set(0)
        if link is not None:
            link.close()

    async def aclose(self) -> None:
        """Close all links; `run` is cancelled by its owner before."""
        self.drop_link()
        await self._events.aclose()
        await self._signals.aclose()
        if self._healing is not None:
            self._healing.cancel()
            await asyncio.gather(self._healing, return_exceptions=True)
        with suppress(*REDIS_FAILURES):
            await self._redis.aclose()


def _is_cancelled() -> bool:
    """Whether this task is to end; a client library may swallow the cancellation itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
