"""Refills of a channel, and what they told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.realtime.fanout.refill import Refills
from app.realtime.fanout.subscription import Subscription
from app.realtime.log.channel_log import ChannelLog
from app.realtime.wire.codec import JSON
from tests.realtime.followers import HeldReader
from tests.realtime.keepers import a_connection
from tests.realtime.recording import RecordingTransport
from tests.waiting import until


class Counter:
    """Refills of the channel `a`, and what they told."""

    def __init__(self, reader: HeldReader) -> None:
        self.reader = reader
        self.ready: list[Subscription] = []
        self.lost: list[Subscription] = []
        self.refills = Refills(reader, self.ready.append, self.lost.append)
        self.log = ChannelLog("a", 1_000_000, 3)

    def know(self, head: int) -> None:
        """The worker knows of so many events, and its ring holds none of them."""
        self.log.start(head)

    def ask(self, cursor: int, *, recovering: bool = False) -> Subscription:
        """Somebody who stands there asks for what follows."""
        connection = a_connection(RecordingTransport())
        subscription = Subscription(connection, "a", self.log, cursor, recovering=recovering)
        connection.subscriptions["a"] = subscription
        self.refills.request(subscription)
        return subscription

    async def served(self, *subscriptions: Subscription) -> None:
        """Until each of them was told something."""
        await until(lambda: not any(each.refilling for each in subscriptions))

    async def held_up(self) -> None:
        """Until a read was answered, and waits for `may_answer`."""
        await self.reader.asked.wait()
        self.reader.asked.clear()


def given(subscription: Subscription) -> tuple[int, int]:
    """After which offset and up to which it was given something."""
    assert subscription.segment is not None
    assert subscription.segment.after(subscription.cursor, JSON).upto <= subscription.segment.end
    return subscription.cursor, subscription.segment.end


@asynccontextmanager
async def refilling(database_url: str) -> AsyncIterator[Counter]:
    reader = HeldReader(database_url)
    await reader.open()
    counter = Counter(reader)
    try:
        yield counter
    finally:
        await counter.refills.aclose()
        await reader.close()
