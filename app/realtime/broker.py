"""The fast wire: Redis pub/sub between the relay and the workers.

Guaranteed: nothing. A message may be lost, late, repeated or out of order; the link may be cut
without a word, or Redis may hang. Each message therefore carries the offsets of its events, and
whoever follows a channel asks Postgres for what it missed. What this module promises instead:

- `publish` returns within PATIENCE_SECONDS whatever Redis does, and never raises for its sake;
- `subscribe` returns within ACK_SECONDS;
- a dead link is noticed within about LINK_QUIET_SECONDS + the Redis time limit, and made anew
  with every channel that is wanted; `on_up` is called each time, since anything may be missing;
- `up` tells the truth about both directions.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.core import metrics

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.05
ACK_SECONDS = 0.25
LINK_QUIET_SECONDS = 0.5
BREAKER_SECONDS = 1.0
RECONNECT_SECONDS = 0.2
MESSAGE_BYTES = 262_144

AWAY = (RedisError, OSError, TimeoutError)


@dataclass(slots=True)
class Message:
    """Consecutive events of one channel, the first at `offset`.

    On the wire a line `OFFSET AT,AT,…`, then one payload a line; AT is Unix time in seconds.
    """

    channel: str
    offset: int
    ats: list[float] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    size: int = 0

    @property
    def is_full(self) -> bool:
        return self.size >= MESSAGE_BYTES

    def add(self, at: float, payload: bytes) -> None:
        self.ats.append(at)
        self.payloads.append(payload)
        self.size += len(payload)

    def encode(self) -> bytes:
        ats = ",".join(f"{at:.6f}" for at in self.ats)
        return b"\n".join([f"{self.offset} {ats}".encode(), *self.payloads])

    @classmethod
    def decode(cls, channel: str, data: bytes) -> "Message":
        """Raises ValueError if this is no message of ours."""
        head, *payloads = data.split(b"\n")
        offset, _, ats = head.partition(b" ")
        message = cls(channel, int(offset), [float(at) for at in ats.split(b",")], payloads)
        if len(message.ats) != len(payloads):
            raise ValueError("a message with fewer payloads than times")
        return message


class Broker:
    """One worker's two links to Redis: one to publish, one that listens.

    `epoch` is part of each Redis channel's name, since Redis pub/sub knows no database numbers
    and several deployments may share one Redis.
    """

    def __init__(self, redis_url: str, timeout_seconds: float) -> None:
        self.on_message: Callable[[Message], None] = lambda _message: None
        self.on_up: Callable[[], None] = lambda: None
        self._timeout = timeout_seconds
        self._redis: Redis = Redis.from_url(
            redis_url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            client_name="tandem",
        )
        self._epoch = ""
        self._link: PubSub | None = None
        self._wanted: dict[str, asyncio.Event] = {}
        self._sending: asyncio.Task[None] | None = None
        self._closed_until = 0.0
        self._publishing_works = True

    @property
    def up(self) -> bool:
        return self._link is not None and self._publishing_works

    @property
    def redis(self) -> Redis:
        """For what may be lost: presence, signals, rate windows. With time limits, no retries."""
        return self._redis

    # ---------------------------------------------------------------- publishing

    async def publish(self, messages: Sequence[Message]) -> None:
        """Send the batch in one pipeline; while Redis does not answer it is not sent at all."""
        now = asyncio.get_running_loop().time()
        busy = self._sending is not None and not self._sending.done()
        if busy or now < self._closed_until or not messages:
            return
        self._sending = asyncio.create_task(self._send(messages), name="broker-publish")
        await asyncio.wait({self._sending}, timeout=PATIENCE_SECONDS)
        if not self._sending.done():
            self._set_publishing(works=False)

    async def _send(self, messages: Sequence[Message]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for message in messages:
            pipeline.publish(self._topic(message.channel), message.encode())
        try:
            async with asyncio.timeout(self._timeout):
                await pipeline.execute()
        except AWAY as error:
            logger.warning("publish failed", extra={"error": repr(error)})
            self._closed_until = asyncio.get_running_loop().time() + BREAKER_SECONDS
            self._set_publishing(works=False)
            await self._redis.connection_pool.disconnect(inuse_connections=False)
        else:
            self._set_publishing(works=True)

    async def _probe(self) -> None:
        """Finds out that publishing works again without an event having to wait for it."""
        with suppress(*AWAY):
            async with asyncio.timeout(self._timeout):
                await self._redis.ping()
            self._set_publishing(works=True)

    def _set_publishing(self, *, works: bool) -> None:
        self._publishing_works = works
        metrics.REDIS_UP.set(self.up)

    # ----------------------------------------------------------------- listening

    async def subscribe(self, channel: str) -> bool:
        """Want the channel from now on; whether Redis acknowledged it in time."""
        acknowledged = self._wanted.setdefault(channel, asyncio.Event())
        if self._link is None:
            return False
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await self._link.subscribe(self._topic(channel))
                await acknowledged.wait()
        except AWAY:
            return False
        return True

    async def unsubscribe(self, channel: str) -> None:
        self._wanted.pop(channel, None)
        if self._link is not None:
            with suppress(*AWAY):
                async with asyncio.timeout(ACK_SECONDS):
                    await self._link.unsubscribe(self._topic(channel))

    async def set_epoch(self, epoch: str) -> None:
        """From now on speak and listen under the names of this log."""
        if epoch != self._epoch:
            self._epoch = epoch
            await self._drop_link()

    async def run(self) -> None:
        """Keep the listening link alive until cancelled."""
        task = asyncio.current_task()
        while task is None or not task.cancelling():  # a client library may swallow the first one
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - an edge: the link outlives every error
                logger.warning("redis link lost", extra={"error": repr(error)})
            finally:
                await self._drop_link()
            await asyncio.sleep(RECONNECT_SECONDS * (0.5 + random.random()))  # noqa: S311 - jitter

    async def _listen(self) -> None:
        """One life of the link: subscribe to everything that is wanted, then read."""
        link, epoch = self._redis.pubsub(), self._epoch
        self._acknowledge(())
        try:
            async with asyncio.timeout(self._timeout):
                asked: set[str] = set()
                while missing := {"", *self._wanted} - asked:  # wanted while this was under way
                    await link.subscribe(*map(self._topic, missing))
                    asked |= missing
            if epoch != self._epoch:  # it listens under the names of another log
                return
            self._link = link
            metrics.REDIS_UP.set(self.up)
            self.on_up()
            await self._read(link)
        finally:
            with suppress(*AWAY):
                await link.aclose()  # type: ignore[no-untyped-call]

    async def _read(self, link: PubSub) -> None:
        """Until the link is dropped or stays silent: a quiet link is asked for a pong."""
        asked = False
        while self._link is link:
            wait = self._timeout if asked else LINK_QUIET_SECONDS
            received = await link.get_message(timeout=wait)
            if received is not None:
                asked = False
                self._receive(received)
            elif asked:
                raise TimeoutError("the link did not answer a ping")
            else:
                asked = True
                await link.ping()
                if not self._publishing_works:
                    await self._probe()

    def _receive(self, received: dict[str, Any]) -> None:
        channel = (received["channel"] or b"").decode().removeprefix(self._topic(""))
        if received["type"] == "message":
            try:
                message = Message.decode(channel, received["data"])
            except ValueError:
                logger.warning("foreign message", extra={"channel": channel})
                return
            self.on_message(message)
        elif received["type"] == "subscribe":
            self._acknowledge((channel,))

    def _acknowledge(self, channels: Iterable[str]) -> None:
        """Mark these as acknowledged; none given: nothing is, any more."""
        names = tuple(channels)
        for name in names:
            if name in self._wanted:
                self._wanted[name].set()
        if not names:
            self._wanted = {name: asyncio.Event() for name in self._wanted}

    async def _drop_link(self) -> None:
        link, self._link = self._link, None
        metrics.REDIS_UP.set(0)
        if link is not None:
            with suppress(*AWAY):
                await link.aclose()  # type: ignore[no-untyped-call]

    async def aclose(self) -> None:
        """Close both links; `run` is cancelled by its owner before."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        with suppress(*AWAY):
            await self._redis.aclose()

    def _topic(self, channel: str) -> str:
        return f"tandem:{self._epoch}:{channel}"
