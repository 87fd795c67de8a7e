"""Workers of one deployment, all in this process, each with people and watchers of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.core.config import Settings
from app.realtime.log.broker import Broker
from app.realtime.presence.channel_presence import Presence
from app.realtime.presence.connection_counts import ConnectionCounts
from app.realtime.presence.leases import Leases
from app.realtime.presence.mirror import Told
from tests.conftest import SECRET
from tests.waiting import POLL_SECONDS, until

LEASE_SECONDS = 0.6
PATIENCE_SECONDS = 5
"""A machine that is out of breath for a moment is no Redis that is away."""


def info_of(client: str, user: str = "somebody") -> bytes:
    return json.dumps({"user": user, "client": client, "conn_info": {"name": "Æsa"}}).encode()


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    """As `until`, for what has to be asked for."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it is in Redis
            await asyncio.sleep(POLL_SECONDS)


def quick_settings(redis_url: str, **given: float) -> Settings:
    return Settings(
        environment="test",
        redis_url=redis_url,
        secret_key=SECRET,
        data_dir=Path(),
        lease_seconds=given.pop("lease_seconds", LEASE_SECONDS),
        connections_per_user=int(given.pop("connections_per_user", 3)),
    )


@dataclass
class Worker:
    """Keeps what its watchers are told, and replays it as a client would. `odd` is what a
    watcher knew already.
    """

    broker: Broker
    leases: Leases
    presence: Presence
    counts: ConnectionCounts
    told: list[tuple[str, str, str]] = field(default_factory=list)
    odd: list[tuple[str, str, str]] = field(default_factory=list)
    replay: dict[str, set[str]] = field(default_factory=dict)
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def on_change(self, channel: str, told: Sequence[Told]) -> None:
        for kind, info in told:
            self.hear(channel, kind, info)

    def hear(self, channel: str, kind: str, info: bytes) -> None:
        client = json.loads(info)["client"]
        self.told.append((channel, kind, client))
        there = self.replay.get(channel)
        if there is None:  # whoever asks is not answered yet
            return
        if (client in there) == (kind == "join"):
            self.odd.append((channel, kind, client))
        if kind == "join":
            there.add(client)
        else:
            there.discard(client)

    def kinds(self, kind: str) -> list[str]:
        """The clients that the watchers were told of in this way, in order."""
        return [client for _channel, this, client in self.told if this == kind]

    def enter(self, channel: str, *clients: str, user: str = "somebody") -> None:
        for client in clients:
            self.presence.enter(channel, client, info_of(client, user))

    async def watch(self, channel: str) -> set[str]:
        """As a client does: subscribe, ask who is there, go on from that."""
        await self.broker.subscribe(channel)
        self.presence.watch(channel)
        try:
            self.replay[channel] = set(await self.presence.read(channel))
        except BaseException:
            self.presence.unwatch(channel)
            raise
        return set(self.replay[channel])

    async def sees(self, channel: str, *clients: str) -> None:
        """Wait until the watchers believe that just these are there."""
        try:
            await until(lambda: self.replay.get(channel, set()) == set(clients))
        except TimeoutError:
            assert self.replay.get(channel, set()) == set(clients)  # says which

    def start(self) -> None:
        jobs = (self.broker.run(), self.presence.run())
        self.tasks = [asyncio.create_task(job) for job in jobs]

    async def kill(self) -> None:
        """It ends as a killed process does: nothing is tidied up."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []
        await self.broker.aclose()

    async def end(self) -> None:
        """As a drained worker ends."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []
        await self.presence.aclose()
        await self.broker.aclose()


def worker_on(settings: Settings, epoch: str) -> Worker:
    broker = Broker(settings.redis_url, settings.redis_timeout_seconds)
    broker.set_epoch(epoch)
    leases = Leases(settings, broker)
    presence = Presence(settings, broker, leases)
    worker = Worker(broker, leases, presence, ConnectionCounts(settings, leases, PATIENCE_SECONDS))
    presence.on_change = worker.on_change
    return worker


class Cluster:
    """Workers that share a Redis; all of them have ended when the block does."""

    def __init__(self, settings: Settings, epoch: str) -> None:
        self.settings = settings
        self.epoch = epoch
        self._stack = AsyncExitStack()

    def idle_worker(self, settings: Settings | None = None) -> Worker:
        """One whose tasks do not run."""
        worker = worker_on(settings or self.settings, self.epoch)
        self._stack.push_async_callback(worker.end)
        return worker

    async def worker(self, settings: Settings | None = None) -> Worker:
        """One more, its lease begun and its link up."""
        worker = self.idle_worker(settings)
        worker.start()
        await until(lambda: worker.broker.up and worker.leases.lease is not None)
        return worker

    async def aclose(self) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def clustered(settings: Settings, epoch: str) -> AsyncIterator[Cluster]:
    cluster = Cluster(settings, epoch)
    try:
        yield cluster
    finally:
        await cluster.aclose()
