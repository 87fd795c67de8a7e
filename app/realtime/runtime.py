"""The stations of one worker, wired together, and the tasks that keep them going."""

import asyncio
import logging
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from app.auth.principals import Principals
from app.core import metrics
from app.core.config import Settings
from app.core.database import Sessions
from app.core.failpoints import Failpoints
from app.core.outages import Outage
from app.core.unavailable import POSTGRES_FAILURES
from app.realtime.access import AccessGuard
from app.realtime.channels import ChannelPolicy, Channels
from app.realtime.commands.admission import Admission
from app.realtime.commands.intake import Intake
from app.realtime.commands.publishing import receive_signal
from app.realtime.commands.stations import Stations
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.defects import Defect, DefectiveTransport
from app.realtime.fanout.heartbeat import Heartbeat
from app.realtime.fanout.manager import ConnectionManager
from app.realtime.fanout.timing import Pings
from app.realtime.fanout.transport import TakeOver, Writer
from app.realtime.figures import Meter, Sources
from app.realtime.log.broker import Broker
from app.realtime.log.follower import LogFollower
from app.realtime.log.housekeeping import Housekeeping
from app.realtime.log.reader import LogReader
from app.realtime.log.relay import Relay
from app.realtime.log.shortcut import deliver_own
from app.realtime.ops import OPS_CHANNEL, Reporter, receive_figures
from app.realtime.presence.attendance import Attendance
from app.realtime.presence.channel_presence import Presence
from app.realtime.presence.connection_counts import ConnectionCounts
from app.realtime.presence.leases import Leases
from app.realtime.supervision import Job, Supervised
from app.realtime.time_limit import TimeLimit
from app.realtime.wire.codec import JSON, Codec
from app.realtime.wire.codes import CloseCode

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
LAG_SECONDS = 0.25
PACE_SECONDS = 0.01
LAST_WORD_SECONDS = 5.0
COMMAND_SECONDS = 3.0  # SDKs give up after 5
CALM_SECONDS = 5.0


class Runtime:
    """Everything that is real-time in a worker."""

    def __init__(
        self,
        settings: Settings,
        sessions: Sessions,
        principals: Principals,
        policies: Iterable[ChannelPolicy],
        *,
        relaying: bool = True,
    ) -> None:
        self.settings = settings
        self.broker = Broker(settings.redis_url, settings.redis_timeout_seconds)
        leases = Leases(settings, self.broker)
        self.presence = Presence(settings, self.broker, leases)
        self.counts = ConnectionCounts(settings, leases)
        failpoints = Failpoints(settings.failpoints)
        self.relay = Relay(settings, self.broker, failpoints)
        self._relaying = relaying
        self.reader = LogReader(settings.database_url)
        self.follower = LogFollower(settings, self.broker, self.reader)
        self.manager = ConnectionManager(settings, self.follower)
        self.housekeeping = Housekeeping([partial(self.reader.prune, settings.log_hours * 3600)])
        channels = Channels(sessions, policies)
        self.access = AccessGuard(self.manager, channels, principals)
        self.heartbeat = Heartbeat(settings)
        self.arrivals = TimeLimit(settings.connect_seconds)
        """For a connection to say what it wants: see `door`."""
        self.stations = Stations(
            settings=settings,
            principals=principals,
            channels=channels,
            follower=self.follower,
            manager=self.manager,
            broker=self.broker,
            presence=self.presence,
            counts=self.counts,
            admission=Admission(),
            time_limit=TimeLimit(COMMAND_SECONDS),
            outage=Outage(logger, "command failed", "commands work again", CALM_SECONDS),
            on_identified=self.heartbeat.identified,
        )
        self._connect_stations()
        self.ready = asyncio.Event()
        self.opening = Outage(logger, "not ready yet", "ready after all")
        self.draining = False
        self.reporter = self._make_reporter()
        planted = failpoints.defect("transport.send")
        self._defect = Defect(*planted) if planted else None
        self._tasks = Supervised()
        self._intakes: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the tasks. Clients are served once `ready`: Postgres may still be away."""
        await self.reader.open()
        self._tasks.start("opening", self._open)
        self._tasks.start("heartbeat", self.heartbeat.run)
        self._tasks.start("loop-lag", self._measure)

    async def stop(self) -> None:
        await self._tasks.stop()
        for task in self._intakes:
            task.cancel()
        await asyncio.gather(*self._intakes, return_exceptions=True)
        await self.access.aclose()
        await self.stations.channels.aclose()
        await self.manager.aclose()
        await self.follower.aclose()
        await self.reader.close()
        await self.presence.aclose()
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

    # ---------------------------------------------------------- connections

    def open(self, transport: Writer, codec: Codec = JSON) -> Connection:
        """A client's connection; to be closed when its transport is lost."""
        if self._defect is not None:
            transport = DefectiveTransport(transport, self._defect)
        connection = self.manager.open(transport, codec)
        self.heartbeat.opened(connection)
        if self.draining:  # since the handshake began
            connection.close(CloseCode.SHUTDOWN)
        return connection

    def close(self, connection: Connection) -> None:
        """The transport is lost; whatever it left behind is cleared away."""
        self.heartbeat.closed(connection)
        self.manager.forget(connection)
        if connection.user_id is not None:
            self.counts.release(connection.user_id, connection.id)

    def take_over(
        self, take_over: TakeOver, codec: Codec = JSON, pings: Pings = Pings.DOCUMENTS
    ) -> None:
        """From now on the server's own protocol object talks to the connection directly."""
        intake = Intake(self.stations, self._intakes, self.close)
        transport = take_over(intake)
        connection = self.open(transport, codec)
        connection.timing.pings = pings
        intake.start(connection, transport)

    @contextmanager
    def connection(self, transport: Writer, codec: Codec = JSON) -> Iterator[Connection]:
        """A connection for as long as the block runs."""
        connection = self.open(transport, codec)
        try:
            yield connection
        finally:
            self.close(connection)

    def _connect_stations(self) -> None:
        """Who hears what from whom."""
        self.manager.on_blocked = self.heartbeat.blocked
        self.attendance = Attendance(self.manager, self.presence)
        self.broker.on_signal = self._on_signal
        self.relay.on_numbered = partial(deliver_own, self.follower)

    def _on_signal(self, channel: str, data: bytes) -> None:
        if channel == OPS_CHANNEL:
            receive_figures(self.manager, data)
        else:
            receive_signal(self.manager, channel, data)

    def _make_reporter(self) -> Reporter:
        manager, broker = self.manager, self.broker
        sources = Sources(manager, self.follower, broker, self.relay, lambda: self.draining)
        return Reporter(manager, broker, Meter(sources).take)

    async def _open(self) -> None:
        """Learn which log this is and follow `$control`; then everything else may begin."""
        listening = False
        while not self.ready.is_set():
            try:
                await self.follower.start()
                if not listening:
                    self._tasks.start("broker", self.broker.run)
                    listening = True
                await self.access.start()
            except POSTGRES_FAILURES as error:
                self.opening.begin(error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.ready.set()
                self.opening.end()
        for name, job in self._jobs().items():
            self._tasks.start(name, job)

    def _jobs(self) -> dict[str, Job]:
        jobs = {
            "looks": self.follower.run_looks,
            "repairs": self.follower.run_repairs,
            "housekeeping": self.housekeeping.run,
            "access": self.access.run,
            "presence": self.presence.run,
            "figures": self.reporter.run,
        }
        return {**jobs, "relay": self.relay.run} if self._relaying else jobs

    async def _measure(self) -> None:
        """How late the loop is, and how far the cursors are behind."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            metrics.LOOP_LAG.observe(max(0.0, loop.time() - due))
            metrics.settle()
            self.heartbeat.measure_lag()
