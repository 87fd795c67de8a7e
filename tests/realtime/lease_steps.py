"""Workers whose leases are kept step by step, by the test itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from app.core.config import Settings
from app.realtime.presence.lease_store import Lease
from app.realtime.presence.leases import Leases
from app.realtime.presence.mirror import Change
from tests.realtime.brokers import talking
from tests.realtime.presences import LEASE_SECONDS, Worker, quick_settings, worker_on
from tests.waiting import until

GROUP = "presence:room"


class Hall:
    """Workers whose steps the test takes itself, and one who hears all that is told."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.epoch = uuid4().hex
        self.workers: list[Worker] = []
        self.changes: list[Change] = []

    def worker(self, settings: Settings | None = None) -> Leases:
        worker = worker_on(settings or self.settings, self.epoch)
        self.workers.append(worker)
        return worker.leases

    async def listen(self) -> None:
        ear = worker_on(self.settings, self.epoch)
        self.workers.append(ear)
        ear.broker.on_presence = lambda _channel, data: self.changes.append(Change.decode(data))
        ear.tasks = [asyncio.create_task(ear.broker.run())]
        await until(lambda: ear.broker.up)
        assert await ear.broker.subscribe("room")

    @property
    def joined(self) -> list[str]:
        return [client for change in self.changes for client in change.joined]

    @property
    def left(self) -> list[str]:
        return [client for change in self.changes for client in change.left]

    async def keys(self) -> list[str]:
        async with talking(self.settings.redis_url) as redis:
            found = await redis.keys(f"tandem:{self.epoch}:*")
        names = [key.decode() if isinstance(key, bytes) else key for key in found]
        return sorted(name.rpartition(f"{self.epoch}:")[2] for name in names)

    async def reaped(self, lease: Lease | None, survivor: Leases) -> None:
        """Steps of the survivor until it has removed some of the lease's entries. It may take more
        than one: while nobody renews for the length of a lease, none is taken for ended.
        """
        assert lease is not None
        key = f"{lease.prefix}entries:{lease.name}"
        async with talking(self.settings.redis_url) as redis, asyncio.timeout(10):
            before = await redis.scard(key)
            while await redis.scard(key) == before:
                await ended(lease, survivor)
                await step(survivor)


@asynccontextmanager
async def hall(redis_url: str, **given: float) -> AsyncIterator[Hall]:
    hall = Hall(quick_settings(redis_url, **given))
    await hall.listen()
    try:
        yield hall
    finally:
        for worker in hall.workers:
            await worker.end()


async def step(leases: Leases) -> None:
    """One turn, as its task would take it."""
    await leases.keep()
    await leases.write()
    await leases.reap()


async def present(leases: Leases) -> set[str]:
    _calm, [found] = await leases.store.read(leases.prefix, ["room"])
    return set(found.present)


async def calmed(*workers: Leases) -> None:
    """Keep these until renewals have gone on for the length of a lease."""
    async with asyncio.timeout(10):
        while not all(worker.calm for worker in workers):
            for worker in workers:
                await worker.keep()
            await asyncio.sleep(LEASE_SECONDS / 10)


async def ended(lease: Lease | None, *survivors: Leases) -> None:
    """Keep the survivors until one of them sees that the lease has ended."""
    async with asyncio.timeout(10):
        while not any(lease in survivor._ended for survivor in survivors):
            for survivor in survivors:
                await survivor.keep()
            await asyncio.sleep(LEASE_SECONDS / 20)
