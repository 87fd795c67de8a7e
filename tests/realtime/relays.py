"""Relays for tests: what they publish is kept, and each runs for as long as a block."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.core.config import Settings
from app.core.failpoints import Failpoints
from app.realtime.log.broker import Broker
from app.realtime.log.message import Message
from app.realtime.log.relay import Relay
from tests.waiting import in_background, until


class Kept(Broker):
    """Keeps what it is given to publish, in its order, and sends it nowhere."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1", 1)
        self.messages: list[Message] = []
        self.batches: list[int] = []
        """How many payloads each had, once for each channel."""

    async def publish(self, messages: Sequence[Message]) -> None:
        self.messages.extend(messages)
        self.batches.append(sum(len(message.payloads) for message in messages))

    def offsets(self, channel: str) -> list[int]:
        """Of every event that was published in the channel."""
        return [
            message.offset + nth
            for message in self.messages
            if message.channel == channel
            for nth in range(len(message.payloads))
        ]


class HastyRelay(Relay):
    """Gives up soon on a Postgres that does not answer."""

    turn_seconds = 0.5


@asynccontextmanager
async def relaying(
    settings: Settings, broker: Broker, *failpoints: str, kind: type[Relay] = Relay
) -> AsyncIterator[Relay]:
    relay = kind(settings, broker, Failpoints(failpoints))
    async with in_background(relay.run()):
        yield relay


async def published(broker: Kept, channel: str, last: int, seconds: float = 10) -> None:
    """Wait until this offset of the channel was published."""
    await until(lambda: last in broker.offsets(channel), seconds)
