"""Leases of workers that died while something else happened, too: somebody removes them."""

import asyncio
from uuid import uuid4

import pytest

from app.embedded import Services
from tests.realtime.brokers import talking
from tests.realtime.lease_steps import GROUP, Hall, calmed, hall, step
from tests.realtime.presences import LEASE_SECONDS, info_of
from tests.waiting import until

AN_HOUR = 3600 * 1_000_000
KEPT_FOR_A_DAY = ["clock", "versions"]


@pytest.fixture
def redis_url(services: Services) -> str:
    return services.redis_url


async def change_log(here: Hall) -> None:
    """For the worker that came last."""
    here.workers[-1].broker.set_epoch(uuid4().hex)


async def test_a_worker_that_died_with_its_log_leaves_nothing_under_that(redis_url: str) -> None:
    async with hall(redis_url) as here:
        killed, survivor = here.worker(), here.worker()
        for worker, client in ((killed, "a"), (survivor, "b")):
            worker.entries.put(GROUP, client, info_of(client))
            worker.entries.put("connections:7", client)
            await step(worker)
        await calmed(killed, survivor)
        await change_log(here)
        async with asyncio.timeout(10):
            while await here.keys() != KEPT_FOR_A_DAY:
                await step(survivor)
                await asyncio.sleep(LEASE_SECONDS / 20)
            while [*survivor._prefixes] != [survivor.prefix]:  # then it looks there no more
                await step(survivor)
                await asyncio.sleep(LEASE_SECONDS / 20)


async def test_who_still_follows_the_former_log_keeps_what_it_has(redis_url: str) -> None:
    async with hall(redis_url) as here:
        slow, quick = here.worker(), here.worker()
        slow.entries.put(GROUP, "a", info_of("a"))
        await step(slow)
        await calmed(slow, quick)
        await change_log(here)
        for _ in range(30):
            await step(slow)
            await step(quick)
            await asyncio.sleep(LEASE_SECONDS / 10)
        assert here.left == []
        assert "presence:room" in await here.keys()


async def test_a_clock_that_was_set_back_keeps_no_dead_worker_alive(redis_url: str) -> None:
    async with hall(redis_url) as here, talking(redis_url) as redis:
        killed, survivor = here.worker(), here.worker()
        killed.entries.put(GROUP, "a", info_of("a"))
        for worker in (killed, survivor):
            await step(worker)
            assert worker.lease is not None
            await redis.zincrby(f"{worker.prefix}leases", AN_HOUR, worker.lease.name)
        for mark in ("last", "since"):
            await redis.hincrby(f"{survivor.prefix}clock", mark, AN_HOUR)
        await here.reaped(killed.lease, survivor)
        await until(lambda: here.left == ["a"])
