"""Leases, step by step: where it is in doubt what Redis has, another one is begun."""

from pathlib import Path
from uuid import uuid4

import pytest

from app.core.unavailable import REDIS_FAILURES
from app.embedded import Services
from app.realtime.presence.lease_store import Write
from app.realtime.presence.leases import ENTRIES
from tests.realtime.brokers import own_valkey, talking
from tests.realtime.lease_steps import GROUP, hall, present, step
from tests.realtime.presences import info_of
from tests.waiting import until


@pytest.fixture
def redis_url(services: Services) -> str:
    return services.redis_url


async def test_entries_move_to_another_lease_without_a_word(redis_url: str) -> None:
    async with hall(redis_url) as here:
        one = here.worker()
        one.entries.put(GROUP, "a", info_of("a"))
        await step(one)
        former = one.lease
        one.doubt()
        one.entries.put(GROUP, "b", info_of("b"))
        await step(one)
        await until(lambda: here.joined == ["a", "b"])
        assert one.lease != former
        assert await present(one) == {"a", "b"}
        assert len([key for key in await here.keys() if key.startswith("entries:")]) == 1
        assert here.left == []


async def test_what_was_lost_is_written_again(redis_url: str) -> None:
    async with hall(redis_url) as here, talking(redis_url) as redis:
        one = here.worker()
        for client in "abc":
            one.entries.put(GROUP, client, info_of(client))
        await step(one)
        await redis.delete(*(one.prefix + name for name in await here.keys()))
        one.entries.put(GROUP, "d", info_of("d"))
        await step(one)  # finds that its lease is not there
        await step(one)
        assert await present(one) == set("abcd")


async def test_what_redis_refused_is_written_again(tmp_path: Path) -> None:
    with own_valkey(tmp_path) as valkey:
        async with hall(valkey.url) as here, talking(valkey.url) as redis:
            one = here.worker()
            one.entries.put(GROUP, "a", info_of("a"))
            await step(one)
            await redis.config_set("maxmemory", 1)
            one.entries.put(GROUP, "b", info_of("b"))
            with pytest.raises(REDIS_FAILURES):
                await one.write()
            await redis.config_set("maxmemory", 0)
            await step(one)
            assert await present(one) == {"a", "b"}


async def test_what_left_while_its_lease_was_in_doubt_has_left(redis_url: str) -> None:
    async with hall(redis_url) as here:
        one = here.worker()
        one.entries.put(GROUP, "a", info_of("a"))
        await step(one)
        one.doubt()
        one.entries.drop(GROUP, "a")
        await step(one)
        await until(lambda: here.left == ["a"])
        assert await present(one) == set()


@pytest.mark.parametrize("what", ["put", "drop"])
async def test_a_command_that_is_carried_out_too_late_changes_nothing(
    redis_url: str, what: str
) -> None:
    """A Redis that hung carries out what a worker had long given up."""
    async with hall(redis_url) as here:
        one = here.worker()
        one.entries.put(GROUP, "a", info_of("a"))
        await step(one)
        former = one.lease
        assert former is not None
        one.doubt()
        await step(one)
        late = [Write(GROUP, "a", what, info_of("a"))]
        assert await one.store.write(former, late) is None
        await one.store.renew(former, begin=True, seen=0)  # late as well
        assert await one.store.write(former, late) == []
        await one.store.reap(former, ENTRIES, give_up=True)
        assert await present(one) == {"a"}
        assert here.left == []


async def test_a_late_join_of_somebody_who_left_goes_with_its_lease(redis_url: str) -> None:
    async with hall(redis_url) as here:
        one = here.worker()
        await step(one)
        former = one.lease
        assert former is not None
        one.doubt()
        await one.keep()
        assert await one.store.write(former, [Write(GROUP, "a", "put", info_of("a"))]) == []
        await one.write()
        await one.reap()
        await until(lambda: here.left == ["a"])
        assert await present(one) == set()


async def test_another_log_has_other_entries(redis_url: str) -> None:
    async with hall(redis_url) as here:
        one = here.worker()
        one.entries.put(GROUP, "a", info_of("a"))
        await step(one)
        before = one.prefix
        here.workers[-1].broker.set_epoch(uuid4().hex)
        await step(one)
        assert one.prefix != before
        assert await present(one) == {"a"}
        assert await here.keys() == ["clock", "versions"]
