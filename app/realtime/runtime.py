"""The stations of one worker, wired together, and the tasks that keep them going."""

import asyncio
import logging
import random
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from app.auth.principals import Principals
from app.core import metrics
from app.core.config import Settings
from app.core.database import Sessions
from app.core.failpoints import Failpoints
from app.realtime.access import AccessGuard
from app.realtime.broker import Broker
from app.realtime.channels import ChannelPolicy, Channels
from app.realtime.commands import Stations
from app.realtime.connection import Connection, Transport
from app.realtime.follower import AWAY, LogFollower
from app.realtime.heartbeat import Heartbeat
from app.realtime.manager import ConnectionManager
from app.realtime.protocol import CloseCode
from app.realtime.reader import LogReader
from app.realtime.relay import Relay

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
STOP_SECONDS = 1.0
LAG_SECONDS = 0.25
PACE_SECONDS = 0.01
LAST_WORD_SECONDS = 5.0


class Runtime:
    """Everything that is real-time in a worker."""

    def __init__(
        self,
        settings: Settings,
        sessions: Sessions,
        principals: Principals,
        policies: Iterable[ChannelPolicy],
    ) -> None:
        self.settings = settings
        self.broker = Broker(settings.redis_url, settings.redis_timeout_seconds)
        self.relay = Relay(settings, self.broker, Failpoints(settings.failpoints))
        self.reader = LogReader(settings.database_url)
        self.follower = LogFollower(settings, self.broker, self.reader)
        self.manager = ConnectionManager(settings, self.follower)
        channels = Channels(sessions, policies)
        self.access = AccessGuard(self.manager, channels, principals)
        self.heartbeat = Heartbeat(settings)
        self.stations = Stations(
            settings, principals, channels, self.manager, self.heartbeat.identified
        )
        self.ready = asyncio.Event()
        self.draining = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the tasks. Clients are served once `ready`: Postgres may still be away."""
        await self.reader.open()
        work = {
            "opening": self._open(),
            "heartbeat": self.heartbeat.run(),
            "loop-lag": _measure_loop_lag(),
        }
        self._tasks = [asyncio.create_task(job, name=name) for name, job in work.items()]

    async def stop(self) -> None:
        while running := [task for task in self._tasks if not task.done()]:
            for task in running:  # again: a library's error may have taken a cancellation's place
                task.cancel()
            await asyncio.wait(running, timeout=STOP_SECONDS)
        await self.access.aclose()
        await self.manager.aclose()
        await self.follower.aclose()
        await self.reader.close()
        await self.broker.aclose()

    async def wait_ready(self, seconds: float) -> bool:
        """Whether clients can be served, waiting so long for it at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.ready.wait()
        return self.ready.is_set()

    async def drain(self) -> None:
        """Refuse handshakes; close what is open in random order, spread over DRAIN_SECONDS."""
        self.draining = True
        loop = asyncio.get_running_loop()
        connections = list(self.manager.connections)
        random.shuffle(connections)
        begun, window = loop.time(), self.settings.drain_seconds
        for nth, connection in enumerate(connections):
            due = begun + window * nth / len(connections)
            if (pause := due - loop.time()) > PACE_SECONDS:
                await asyncio.sleep(pause)
            connection.close(CloseCode.SHUTDOWN)
        await self.manager.emptied(LAST_WORD_SECONDS)

    @contextmanager
    def connection(self, transport: Transport) -> Iterator[Connection]:
        """A connection for as long as the block runs."""
        connection = self.manager.open(transport)
        self.heartbeat.opened(connection)
        try:
            yield connection
        finally:
            self.heartbeat.closed(connection)
            self.manager.forget(connection)

    async def _open(self) -> None:
        """Learn which log this is and follow `$control`; then everything else may begin."""
        listening: asyncio.Task[None] | None = None
        while not self.ready.is_set():
            try:
                await self.follower.start()
                if listening is None:
                    listening = self._spawn("broker", self.broker.run())
                await self.access.start()
            except AWAY as error:
                logger.warning("not ready yet", extra={"error": repr(error)})
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.ready.set()
        self._spawn("looks", self.follower.run_looks())
        self._spawn("repairs", self.follower.run_repairs())
        self._spawn("pruning", self.follower.run_pruning())
        self._spawn("access", self.access.run())
        self._spawn("relay", self.relay.run())

    def _spawn(self, name: str, job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(job, name=name)
        self._tasks.append(task)
        return task


async def _measure_loop_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        metrics.LOOP_LAG.observe(max(0.0, loop.time() - due))
