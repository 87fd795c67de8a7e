"""Brokers that run for as long as a block, and a Valkey of one's own to be rough with."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP

from redis.asyncio import Redis

from app.embedded import Valkey
from app.realtime.log.broker import Broker
from app.realtime.log.message import Message
from tests.waiting import in_background, until

EPOCH = "0123456789abcdef"
TOPIC = f"tandem:{EPOCH}:"


class Listener(Broker):
    """Keeps what it hears, and how often its link came up."""

    def __init__(self, redis_url: str, timeout_seconds: float = 1) -> None:
        super().__init__(redis_url, timeout_seconds)
        self.heard: list[Message] = []
        self.signals: list[tuple[str, bytes]] = []
        self.changes: list[tuple[str, bytes]] = []
        self.ups = 0
        self.on_message = self.heard.append
        self.on_signal = lambda channel, data: self.signals.append((channel, data))
        self.on_presence = lambda channel, data: self.changes.append((channel, data))
        self.on_up = self._count

    async def say(self, *messages: Message) -> None:
        """Publish once Redis has answered to what came before: until then all is dropped."""
        await until(lambda: not self._events.busy)
        await self.publish(messages)

    async def hear(self, channel: str) -> None:
        """Subscribe, however long Redis takes to acknowledge it."""
        if not await self.subscribe(channel):
            await until(lambda: self._wanted[channel].is_set())  # noqa: PLW0108 - not always the same

    def _count(self) -> None:
        self.ups += 1


@asynccontextmanager
async def listening(redis_url: str, *channels: str, epoch: str = EPOCH) -> AsyncIterator[Listener]:
    """A broker whose link is up and listens to these channels."""
    broker = Listener(redis_url)
    broker.set_epoch(epoch)
    async with running(broker):
        await until(lambda: broker.up)
        for channel in channels:
            await broker.hear(channel)
        yield broker


@asynccontextmanager
async def running(broker: Broker) -> AsyncIterator[None]:
    """It listens, or tries to."""
    try:
        async with in_background(broker.run()):
            yield
    finally:
        await broker.aclose()


@asynccontextmanager
async def talking(redis_url: str) -> AsyncIterator[Redis]:
    """A client of Redis that is none of ours."""
    redis: Redis = Redis.from_url(redis_url)
    try:
        yield redis
    finally:
        await redis.aclose()


async def cut_links(redis_url: str) -> None:
    """End every connection that listens."""
    async with talking(redis_url) as redis:
        await redis.client_kill_filter(_type="pubsub")


@contextmanager
def frozen(valkey: Valkey) -> Iterator[None]:
    """It answers nothing, though the kernel still takes connections for it."""
    valkey.child.signal(SIGSTOP)
    try:
        yield
    finally:
        valkey.child.signal(SIGCONT)


@contextmanager
def own_valkey(directory: Path) -> Iterator[Valkey]:
    directory.mkdir(parents=True, exist_ok=True)
    valkey = Valkey(directory).launch()
    try:
        valkey.await_answer()
        yield valkey
    finally:
        valkey.child.finish(0)


def message(channel: str, offset: int, *payloads: bytes) -> Message:
    made = Message(channel, offset)
    for payload in payloads:
        made.add(1_700_000_000.0, payload)
    return made
