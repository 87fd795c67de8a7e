"""A follower for tests: its wire is in the test's hand, its reader can be held up."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from app.core.config import Settings
from app.realtime.log.broker import Broker
from app.realtime.log.channel_log import ChannelLog
from app.realtime.log.follower import LogFollower
from app.realtime.log.message import Message
from app.realtime.log.reader import PIECE_EVENTS, Extent, LogReader, Look, Reason
from app.realtime.log.rings import Rings
from app.realtime.wire.batches import Entry
from tests.waiting import until


class Wire(Broker):
    """No Redis: the test itself delivers, or loses, each message."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1", 1)
        self.is_up = True
        self.subscribed: list[str] = []
        self.unsubscribes: list[int] = []
        self.unsubscribing = asyncio.Event()

    @property
    def up(self) -> bool:
        return self.is_up

    async def subscribe(self, channel: str) -> bool:
        self.subscribed.append(channel)
        return self.is_up

    def unsubscribe(self, *channels: str) -> None:
        self.unsubscribes.append(len(channels))
        self.unsubscribing.set()
        self.subscribed = [name for name in self.subscribed if name not in channels]

    def set_epoch(self, epoch: str) -> None:
        pass

    def deliver(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.on_message(message)


class HeldReader(LogReader):
    """A reader whose answers wait for `may_answer`, those to looks for `may_tell`, and that fails
    the next `failures` reads, by `error`.
    """

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()
        self.may_tell = asyncio.Event()
        self.may_tell.set()
        self.looked = asyncio.Event()
        self.failures = 0
        self.error: Exception = ConnectionError("Postgres is away for a test")
        self.reads: list[str] = []

    async def look(self) -> Look:
        answer = await super().look()
        self.looked.set()
        await self.may_tell.wait()
        return answer

    async def extents(
        self, channels: Collection[str], *, reason: Reason | None
    ) -> tuple[str, dict[str, Extent]]:
        self._count(f"extents to {reason}")
        answer = await super().extents(channels, reason=reason)
        self.asked.set()
        await self.may_answer.wait()
        return answer

    async def after(
        self, cursors: Mapping[str, int], *, reason: Reason, limit: int = PIECE_EVENTS
    ) -> dict[str, list[Entry]]:
        self._count(reason)
        answer = await super().after(cursors, reason=reason, limit=limit)
        self.asked.set()
        await self.may_answer.wait()
        return answer

    def _count(self, read: str) -> None:
        self.reads.append(read)
        if self.failures:
            self.failures -= 1
            raise self.error


class HastyFollower(LogFollower):
    """Leaves a channel soon after the last one out."""

    linger_seconds = 0.05


class NarrowFollower(HastyFollower):
    """All its rings together hold little."""

    def __init__(self, settings: Settings, broker: Broker, reader: LogReader) -> None:
        super().__init__(settings, broker, reader)
        self._rings = Rings(settings, 1500)


class Followed:
    """A follower with what it told."""

    def __init__(
        self, settings: Settings, reader: HeldReader, follower: type[LogFollower] = HastyFollower
    ) -> None:
        self.wire = Wire()
        self.reader = reader
        self.follower = follower(settings, self.wire, reader)
        self.news: list[str] = []
        self.lost: list[ChannelLog] = []
        self.renewals = 0
        self.follower.on_news = lambda log: self.news.append(log.name)
        self.follower.on_lost = self.lost.append
        self.follower.on_renewed = self._count

    async def leave_all(self) -> None:
        """Until nothing that is used no more is kept for somebody who may come back."""
        sweep = self.follower._lingering._sweep
        assert sweep is not None
        await until(sweep.done)

    def _count(self) -> None:
        self.renewals += 1


@asynccontextmanager
async def following(
    settings: Settings, follower: type[LogFollower] = HastyFollower
) -> AsyncIterator[Followed]:
    """A follower that knows its log; its looks are made by hand, its repairs run."""
    reader = HeldReader(settings.database_url)
    await reader.open()
    followed = Followed(settings, reader, follower)
    await followed.follower.start()
    repairs = asyncio.create_task(followed.follower.run_repairs())
    try:
        yield followed
    finally:
        repairs.cancel()
        await asyncio.gather(repairs, return_exceptions=True)
        await followed.follower.aclose()
        await reader.close()


@asynccontextmanager
async def looking(followed: Followed) -> AsyncIterator[None]:
    """Its looks run, too."""
    looks = asyncio.create_task(followed.follower.run_looks())
    try:
        yield
    finally:
        looks.cancel()
        await asyncio.gather(looks, return_exceptions=True)
