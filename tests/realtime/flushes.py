"""A flush on a log of its own: the audience and the clock are in the test's hand."""

import asyncio

from app.realtime.fanout.connection import Connection
from app.realtime.fanout.flush import Flush
from app.realtime.fanout.subscription import Subscription
from app.realtime.log.channel_log import ChannelLog
from app.realtime.wire.codec import JSON, Codec
from app.realtime.wire.frames import Message
from tests.realtime.keepers import Keeping, a_connection
from tests.realtime.logs import entries
from tests.realtime.recording import RecordingTransport

ROUNDING = 1e-6


class Clock:
    """Stands still unless a write takes its time."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class CostlyTransport(RecordingTransport):
    """A write takes `cost` seconds of the clock."""

    def __init__(self, clock: Clock, cost: float) -> None:
        super().__init__()
        self._clock = clock
        self._cost = cost

    def send(self, message: Message) -> None:
        super().send(message)
        self._clock.now += self._cost


class Narrow(RecordingTransport):
    """Paused by the last of so many messages."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def send(self, message: Message) -> None:
        super().send(message)
        self.writable = len(self.messages) < self._room


class Listener:
    """One connection that follows one channel."""

    def __init__(self, connection: Connection, transport: RecordingTransport, name: str) -> None:
        self.connection = connection
        self.transport = transport
        self.subscription = connection.subscriptions[name]

    @property
    def offsets(self) -> list[int]:
        return [pub["offset"] for pub in self.transport.publications(self.subscription.channel)]


class Theatre:
    """A flush, its channels and who follows them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.flush = Flush(self.audience, self.clock)
        self.keeper = Keeping()
        self.cost = 0.0
        self.walks = 0
        self._timer: asyncio.TimerHandle | None = None
        self._logs: dict[str, ChannelLog] = {}
        self._audience: dict[str, dict[Connection, Subscription]] = {}

    def audience(self, channel: str) -> list[Subscription]:
        self.walks += 1
        return list(self._audience.get(channel, {}).values())

    def log(self, name: str) -> ChannelLog:
        if name not in self._logs:
            self._logs[name] = ChannelLog(name, 10_000_000, 10_000)
            self._logs[name].start(0)
        return self._logs[name]

    def listen(
        self, name: str = "a", *, log: ChannelLog | None = None, codec: Codec = JSON
    ) -> Listener:
        """Somebody new, at the log's head."""
        transport = CostlyTransport(self.clock, self.cost)
        connection = a_connection(transport, self.keeper, codec)
        return self.follow(connection, transport, name, log=log)

    def listen_narrowly(self, room: int) -> Listener:
        """Somebody whose transport is paused by the last of so many messages."""
        transport = Narrow(room)
        return self.follow(a_connection(transport, self.keeper), transport, "a")

    def follow(
        self,
        connection: Connection,
        transport: RecordingTransport,
        name: str,
        *,
        log: ChannelLog | None = None,
    ) -> Listener:
        followed = log or self.log(name)
        subscription = Subscription(connection, name, followed, followed.head)
        connection.subscriptions[name] = subscription
        self._audience.setdefault(name, {})[connection] = subscription
        return Listener(connection, transport, name)

    def leave(self, listener: Listener) -> None:
        name = listener.subscription.channel
        listener.connection.subscriptions.pop(name).ended = True
        del self._audience[name][listener.connection]

    def say(self, name: str = "a", count: int = 1, size: int = 0) -> None:
        """News, and the flush is told."""
        log = self.log(name)
        log.append(entries(log.head + 1, log.head + count, size))
        self.flush.mark(log)

    def say_and_hold(self, pause: float) -> None:
        """News for which the flush waits so many seconds; it comes when the test has it `fire`."""
        loop = asyncio.get_running_loop()
        before = loop.time()
        self.say()
        timer = self.flush._handle
        assert isinstance(timer, asyncio.TimerHandle)
        timer.cancel()
        assert before - ROUNDING <= timer.when() - pause <= loop.time() + ROUNDING
        self._timer = timer

    def fire(self) -> None:
        """The pause is over; nothing else was scheduled meanwhile."""
        assert self.flush._handle is self._timer
        self.flush._run()


async def turn() -> None:
    """One turn of the loop."""
    await asyncio.sleep(0)


async def turns(count: int) -> None:
    for _ in range(count):
        await turn()
