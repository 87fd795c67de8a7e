"""Leases, step by step, on a real Valkey: what ends with a worker, and what survives it."""

import asyncio
from typing import Any

import pytest

from app.core.unavailable import REDIS_FAILURES
from app.embedded import Services
from app.realtime.presence.leases import ENTRIES, Leases
from tests.realtime.brokers import talking
from tests.realtime.lease_steps import GROUP, calmed, ended, hall, present, step
from tests.realtime.presences import LEASE_SECONDS, info_of, quick_settings
from tests.waiting import until


@pytest.fixture
def redis_url(services: Services) -> str:
    return services.redis_url


# ----------------------------------------------------------------- joins and leaves


async def test_who_is_put_and_dropped_is_told_once(redis_url: str) -> None:
    async with hall(redis_url) as here:
        one = here.worker()
        for _ in range(2):
            one.entries.put(GROUP, "a", info_of("a"))
            await step(one)
        for _ in range(2):
            one.entries.drop(GROUP, "a")
            await step(one)
        await until(lambda: here.left == ["a"])
        assert here.joined == ["a"]
        assert here.changes[0].joined == {"a": info_of("a")}
        assert here.changes[1].before == here.changes[0].version


async def test_what_is_not_presence_is_told_to_nobody(redis_url: str) -> None:
    async with hall(redis_url) as here:
        one = here.worker()
        one.entries.put("connections:7", "a")
        one.entries.put(GROUP, "b", info_of("b"))
        await step(one)
        await until(lambda: here.joined == ["b"])
        assert len(here.changes) == 1


async def test_names_with_any_character_are_kept_apart(redis_url: str) -> None:
    async with hall(redis_url) as here:
        one, other = here.worker(), here.worker()
        for group in ("presence:a\nb", "presence:a b:%", "presence:"):
            one.entries.put(group, "c d", info_of("c"))
        await step(one)
        await one.aclose()
        await step(other)
        assert await here.keys() == ["clock", "leases", "versions"]


# ------------------------------------------------------------------ a worker is gone


async def test_the_entries_of_a_killed_worker_go_with_its_lease(redis_url: str) -> None:
    async with hall(redis_url) as here:
        killed, survivor = here.worker(), here.worker()
        killed.entries.put(GROUP, "a", info_of("a"))
        survivor.entries.put(GROUP, "b", info_of("b"))
        await step(killed)
        await step(survivor)
        await calmed(killed, survivor)
        await ended(killed.lease, survivor)
        assert await present(survivor) == {"b"}
        await here.reaped(killed.lease, survivor)
        await until(lambda: here.left == ["a"])
        assert killed.lease is not None
        assert f"entries:{killed.lease.name}" not in await here.keys()


async def test_a_kept_lease_does_not_end(redis_url: str) -> None:
    async with hall(redis_url) as here:
        one, other = here.worker(), here.worker()
        one.entries.put(GROUP, "a", info_of("a"))
        await step(one)
        await calmed(one, other)
        async with asyncio.timeout(10):
            for _ in range(30):
                await step(one)
                await step(other)
                await asyncio.sleep(LEASE_SECONDS / 15)
        assert await present(other) == {"a"}
        assert here.left == []


async def test_survivors_at_the_same_work_tell_each_leave_once(redis_url: str) -> None:
    clients = [f"c{number}" for number in range(3 * ENTRIES)]
    async with hall(redis_url) as here:
        killed, *survivors = (here.worker() for _ in range(4))
        for client in clients:
            killed.entries.put(GROUP, client, info_of(client))
        await step(killed)
        await calmed(killed, *survivors)
        await ended(killed.lease, *survivors)
        for _ in range(4):
            await asyncio.gather(*(step(survivor) for survivor in survivors))
        await until(lambda: len(here.left) == len(clients))
        assert sorted(here.left) == sorted(clients)


async def test_a_survivor_that_dies_half_way_leaves_the_rest_to_the_next(redis_url: str) -> None:
    clients = [f"c{number}" for number in range(2 * ENTRIES)]
    async with hall(redis_url) as here:
        killed, dying = (here.worker() for _ in range(2))
        for client in clients:
            killed.entries.put(GROUP, client, info_of(client))
        await step(killed)
        await calmed(killed, dying)
        await here.reaped(killed.lease, dying)
        await until(lambda: len(here.left) == ENTRIES)
        await here.reaped(killed.lease, here.worker())
        await until(lambda: sorted(here.left) == sorted(clients))


async def test_a_worker_that_was_taken_for_dead_comes_back_with_joins(redis_url: str) -> None:
    async with hall(redis_url) as here:
        frozen, survivor = here.worker(), here.worker()
        frozen.entries.put(GROUP, "a", info_of("a"))
        await step(frozen)
        await calmed(frozen, survivor)
        await here.reaped(frozen.lease, survivor)
        await step(frozen)
        await until(lambda: here.joined == ["a", "a"])
        assert here.left == ["a"]
        assert await present(survivor) == {"a"}


async def test_a_worker_that_comes_back_before_anybody_noticed_tells_its_watchers_all_the_same(
    redis_url: str,
) -> None:
    """Whoever read presence in between has seen its clients gone."""
    async with hall(redis_url) as here:
        frozen, survivor = here.worker(), here.worker()
        frozen.entries.put(GROUP, "a", info_of("a"))
        await step(frozen)
        await calmed(frozen, survivor)
        await ended(frozen.lease, survivor)
        assert await present(survivor) == set()
        await step(frozen)
        await until(lambda: here.joined == ["a", "a"])
        await step(survivor)
        assert await present(survivor) == {"a"}
        assert here.left == []


async def test_when_nobody_could_renew_no_lease_has_ended(redis_url: str) -> None:
    async with hall(redis_url, lease_seconds=0.2) as here:
        one, other = here.worker(), here.worker()
        for client, worker in (("a", one), ("b", other)):
            worker.entries.put(GROUP, client, info_of(client))
            await step(worker)
        await calmed(one, other)
        await asyncio.sleep(0.3)  # as if Redis hung for longer than a lease
        assert await present(one) == {"a", "b"}
        for _ in range(3):
            await step(one)
            await step(other)
        assert await present(one) == {"a", "b"}
        assert (here.joined, here.left) == (["a", "b"], [])


async def test_a_lease_that_is_given_up_ends_at_once(redis_url: str) -> None:
    clients = [f"c{number}" for number in range(ENTRIES + 1)]
    async with hall(redis_url) as here:
        one, other = here.worker(), here.worker()
        for client in clients:
            one.entries.put(GROUP, client, info_of(client))
        await step(one)
        await one.aclose()
        await until(lambda: sorted(here.left) == sorted(clients))
        assert await present(other) == set()


async def test_what_a_dead_worker_took_does_not_count_though_nobody_removed_it_yet(
    redis_url: str,
) -> None:
    async with hall(redis_url) as here:
        killed, survivor = here.worker(), here.worker()
        killed.entries.put("connections:7", "a")
        await step(killed)
        await calmed(killed, survivor)
        assert await taken(survivor, "b") is False
        await ended(killed.lease, survivor)
        assert await taken(survivor, "b") is True
        assert await taken(survivor, "c") is False


async def taken(leases: Leases, client: str) -> bool:
    """Whether the client was let in where there is room for one."""
    asking = asyncio.create_task(leases.entries.take("connections:7", client, 1))
    await asyncio.sleep(0)
    await leases.write()
    return await asking


# -------------------------------------------------------------------------- costs


async def commands(redis: Any) -> int:
    """How many commands clients sent so far, but for this one."""
    counted = await redis.info("commandstats")
    return sum(
        figures["calls"]
        for name, figures in counted.items()
        if name in {"cmdstat_evalsha", "cmdstat_eval", "cmdstat_script|load"}
    )


@pytest.mark.parametrize("clients", [1, 2000])
async def test_a_worker_whose_clients_are_idle_only_renews_its_lease(
    redis_url: str, clients: int
) -> None:
    async with hall(redis_url, lease_seconds=60) as here, talking(redis_url) as redis:
        one = here.worker()
        for number in range(clients):
            one.entries.put(f"presence:room-{number}", f"c{number}", info_of("c"))
        await step(one)
        before = await commands(redis)
        for _ in range(5):
            one._renew_at = 0
            await step(one)
        assert await commands(redis) - before == 5


async def test_a_join_costs_one_command_and_a_thousand_leaves_a_few(redis_url: str) -> None:
    async with hall(redis_url, lease_seconds=60) as here, talking(redis_url) as redis:
        one = here.worker()
        await step(one)
        before = await commands(redis)
        one.entries.put(GROUP, "a", info_of("a"))
        await step(one)
        assert await commands(redis) - before == 1
        for number in range(1000):
            one.entries.put(GROUP, f"c{number}", info_of("c"))
        await step(one)
        before = await commands(redis)
        for number in range(1000):
            one.entries.drop(GROUP, f"c{number}")
        await step(one)
        assert await commands(redis) - before == 4
        await until(lambda: len(here.left) == 1000)


async def test_scripts_that_redis_forgot_are_given_again(redis_url: str) -> None:
    async with hall(redis_url) as here, talking(redis_url) as redis:
        one = here.worker()
        await step(one)
        await redis.script_flush()
        one.entries.put(GROUP, "a", info_of("a"))
        await step(one)
        assert await present(one) == {"a"}


async def test_a_redis_that_is_away_is_told_of(redis_url: str) -> None:
    async with hall(redis_url) as here:
        away = here.worker(quick_settings("redis://127.0.0.1:1"))
        with pytest.raises(REDIS_FAILURES):
            await away.keep()
