"""A manager with an audience: connections on transports that record, on a real log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.core.config import Settings
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.manager import ConnectionManager
from app.realtime.fanout.subscription import Subscription
from app.realtime.log.follower import LogFollower
from tests.realtime.followers import Followed, HastyFollower, following
from tests.realtime.log_writer import LogWriter
from tests.realtime.recording import RecordingTransport


@dataclass
class Seat:
    """One connection with one subscription."""

    transport: RecordingTransport
    connection: Connection
    subscription: Subscription

    @property
    def offsets(self) -> list[int]:
        channel = self.subscription.channel
        return [pub["offset"] for pub in self.transport.publications(channel)]

    def pause(self) -> None:
        self.transport.writable = False

    def drain(self) -> None:
        self.transport.writable = True
        self.connection.pump()


class Hall:
    """A manager on a follower whose wire is in the test's hand."""

    def __init__(self, settings: Settings, followed: Followed, log: LogWriter) -> None:
        self.followed = followed
        self.follower = followed.follower
        self.reader = followed.reader
        self.manager = ConnectionManager(settings, followed.follower)
        self._log = log

    def open(self, *, writable: bool = True) -> tuple[RecordingTransport, Connection]:
        transport = RecordingTransport(writable=writable)
        return transport, self.manager.open(transport)

    async def seat(
        self,
        channel: str,
        *,
        cursor: int | None = None,
        server_side: bool = False,
        recovering: bool = False,
    ) -> Seat:
        """Somebody who follows the channel from the cursor, or else from its head."""
        transport, connection = self.open()
        log = await self.follower.acquire(channel)
        at = log.head if cursor is None else cursor
        subscription = Subscription(
            connection, channel, log, at, server_side=server_side, recovering=recovering
        )
        self.manager.attach(subscription)
        return Seat(transport, connection, subscription)

    async def follow(self, connection: Connection, channel: str, *, cursor: int) -> Subscription:
        """One more channel of a connection, from the cursor on."""
        log = await self.follower.acquire(channel)
        subscription = Subscription(connection, channel, log, cursor)
        self.manager.attach(subscription)
        return subscription

    async def say(self, channel: str, count: int = 1, payload: str | None = None) -> None:
        """Events that arrive over the wire."""
        self.followed.wire.deliver(await self._log.append(channel, count=count, payload=payload))


@asynccontextmanager
async def hall_of(
    settings: Settings, log: LogWriter, follower: type[LogFollower] = HastyFollower
) -> AsyncIterator[Hall]:
    async with following(settings, follower) as followed:
        hall = Hall(settings, followed, log)
        try:
            yield hall
        finally:
            for connection in list(hall.manager.connections):
                hall.manager.forget(connection)
            await hall.manager.aclose()
