"""A heartbeat and one connection that it looks after: it runs, or a hand turns its clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.core.config import Settings
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.heartbeat import Heartbeat
from app.realtime.fanout.subscription import Subscription
from app.realtime.fanout.wheel import SLOT_SECONDS
from tests.realtime.keepers import a_connection
from tests.realtime.recording import RecordingTransport
from tests.waiting import in_background

HOUR = 3_600.0


class Keeper:
    """Passes on what waits; a connection here needs no refill."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self.blocked = heartbeat.blocked

    def refill(self, subscription: Subscription) -> None:
        raise AssertionError(f"{subscription.channel} has fallen off its ring")

    def unblocked(self, connection: Connection) -> None:
        connection.pump()


@dataclass
class Beating:
    heartbeat: Heartbeat
    transport: RecordingTransport
    connection: Connection

    @property
    def pings(self) -> int:
        """Alone or together with something else."""
        return sum(message.split(b"\n").count(b"{}") for message in self.transport.sent)

    def pong(self) -> None:
        self.connection.timing.ponged()

    async def answer_pings(self, count: int) -> None:
        """As a client does."""
        for number in range(1, count + 1):
            await self.transport.until(lambda: self.pings >= number)  # noqa: B023 - right here
            self.pong()

    def stop_reading(self) -> None:
        self.transport.writable = False

    def read_on(self) -> None:
        self.transport.writable = True
        self.connection.pump()


class HandTurned(Beating):
    """Its time passes only when a test says so."""

    def __init__(self, **settings: float) -> None:
        self.now = 1_000.0
        heartbeat = Heartbeat(Settings().model_copy(update=dict(settings)), lambda: self.now)
        transport = RecordingTransport()
        connection = a_connection(transport, Keeper(heartbeat))
        super().__init__(heartbeat, transport, connection)
        self.heartbeat.opened(connection)

    def wait(self, seconds: float) -> None:
        """Let time pass, slot by slot of its wheel."""
        until = self.now + seconds
        while self.now < until:
            self.now += SLOT_SECONDS / 2
            self._turn()

    def freeze(self, seconds: float) -> None:
        """Let time pass in which nothing is looked at."""
        self.now += seconds
        self._turn()

    def wait_for_close(self, seconds: float = 1_000) -> float:
        """How many seconds it took."""
        begun = self.now
        while self.transport.closed is None:
            self.wait(SLOT_SECONDS)
            assert self.now - begun < seconds, "not closed in time"
        return self.now - begun

    def _turn(self) -> None:
        while self.heartbeat._wheel.turn(self.now):
            continue


@asynccontextmanager
async def beating(**settings: float) -> AsyncIterator[Beating]:
    """A new connection."""
    heartbeat = Heartbeat(Settings().model_copy(update=dict(settings)))
    transport = RecordingTransport()
    connection = a_connection(transport, Keeper(heartbeat))
    async with in_background(heartbeat.run()):
        await asyncio.sleep(0)
        heartbeat.opened(connection)
        yield Beating(heartbeat, transport, connection)


def now() -> float:
    return asyncio.get_running_loop().time()
