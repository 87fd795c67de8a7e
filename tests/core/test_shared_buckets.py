"""Redis that refuses, hangs and comes back."""

import asyncio

import pytest
from redis.asyncio import Redis

from app.core.buckets import Allowance
from app.core.ids import new_id
from app.core.rates import PATIENCE_SECONDS, Rates
from app.core.shared_buckets import AWAY_SECONDS
from app.embedded import Valkey
from tests.core.rating import HOUR, NOWHERE, PATIENT, Clock, buckets_of, counting, hourly, passed
from tests.realtime.brokers import frozen, talking
from tests.waiting import until

BRIEF = 2.0
"""Patience: a pause of the machine is shorter, as a rule."""


@pytest.fixture
def allowance() -> Allowance:
    return hourly(new_id().hex, burst=10)


def seconds() -> float:
    return asyncio.get_running_loop().time()


def questions() -> int:
    """How many are under way."""
    return sum(task.get_name() == "rates" for task in asyncio.all_tasks())


async def links_of_rates(redis: Redis) -> set[str]:
    clients = await redis.client_list()
    return {client["id"] for client in clients if client["name"] == "tandem-rates"}


async def heal(one: Rates, other: Rates, clock: Clock) -> None:
    """Until the two count together again."""
    alone = True
    async with asyncio.timeout(15):
        while alone:
            clock.advance(AWAY_SECONDS)
            probe = hourly(new_id().hex, burst=1)
            alone = await passed(one, other, allowance=probe, caller="probe", tries=2) == 2


async def test_without_redis_each_worker_counts_for_itself(allowance: Allowance) -> None:
    async with counting(NOWHERE) as one, counting(NOWHERE) as other:
        counts = [
            await passed(worker, allowance=allowance, caller="cleo", tries=30)
            for worker in (one, other)
        ]

    assert counts == [10, 10]


async def test_without_redis_one_passes_after_the_wait_that_was_told(allowance: Allowance) -> None:
    clock = Clock()
    async with counting(NOWHERE, clock) as worker:
        await passed(worker, allowance=allowance, caller="cleo", tries=10)
        assert await worker.take(allowance, "cleo") == HOUR
        clock.advance(HOUR - 1)
        assert await worker.take(allowance, "cleo") == 1
        clock.advance(1)
        assert await worker.take(allowance, "cleo") == 0


async def test_an_error_of_redis_refuses_nobody(valkey: Valkey, allowance: Allowance) -> None:
    async with counting(valkey.url) as worker, talking(valkey.url) as redis:
        await worker.take(allowance, "cleo")
        (key,) = await buckets_of(redis, allowance)
        await redis.set(key, "no number")

        assert await passed(worker, allowance=allowance, caller="cleo", tries=30) == 9


async def test_a_redis_that_became_a_replica_is_left(valkey: Valkey, allowance: Allowance) -> None:
    clock = Clock()
    async with counting(valkey.url, clock) as worker, talking(valkey.url) as redis:
        await worker.take(allowance, "cleo")
        connections = await links_of_rates(redis)
        await redis.replicaof("127.0.0.1", "1")
        try:
            await worker.take(allowance, "cleo")
            clock.advance(AWAY_SECONDS)
            await worker.take(allowance, "cleo")
            assert not connections & await links_of_rates(redis)
        finally:
            await redis.replicaof("NO", "ONE")


@pytest.mark.timed
async def test_a_redis_that_hangs_delays_a_request_once(
    valkey: Valkey, allowance: Allowance
) -> None:
    async with counting(valkey.url, patience=PATIENCE_SECONDS) as worker:
        await worker.take(allowance, "before")
        with frozen(valkey):
            begun = seconds()
            await worker.take(allowance, "first")
            asked = seconds()
            await passed(worker, allowance=allowance, caller="cleo", tries=100)
            done = seconds()

    assert asked - begun < 3 * PATIENCE_SECONDS
    assert done - asked < PATIENCE_SECONDS


async def test_a_redis_that_hangs_is_asked_again_by_one_alone(
    valkey: Valkey, allowance: Allowance
) -> None:
    clock = Clock()
    async with counting(valkey.url, clock, BRIEF) as worker:
        with frozen(valkey):
            await worker.take(allowance, "first")
            await until(lambda: questions() == 0)
            second = asyncio.create_task(worker.take(allowance, "second"))
            await asyncio.sleep(0)
            assert second.done()
            clock.advance(AWAY_SECONDS)
            waiting = asyncio.gather(*(worker.take(allowance, str(n)) for n in range(20)))
            await asyncio.sleep(0)
            assert questions() == 1
            assert set(await waiting) == {0}


async def test_while_redis_hangs_a_worker_counts_for_itself_and_then_with_the_others(
    valkey: Valkey, allowance: Allowance
) -> None:
    clock = Clock()
    async with (
        counting(valkey.url, clock, BRIEF) as one,
        counting(valkey.url, clock, BRIEF) as other,
    ):
        workers = (one, other)
        with frozen(valkey):
            assert await passed(*workers, allowance=allowance, caller="cleo", tries=60) == 20
        await heal(one, other, clock)

        assert await passed(*workers, allowance=allowance, caller="omar", tries=30) == 10


async def test_what_passed_while_redis_hung_is_told_to_it_afterwards(
    valkey: Valkey, allowance: Allowance
) -> None:
    clock = Clock()
    async with counting(valkey.url, clock, BRIEF) as one, counting(valkey.url, clock) as other:
        with frozen(valkey):
            await one.take(allowance, "somebody else")
            await passed(one, allowance=allowance, caller="cleo", tries=6)
        await heal(one, other, clock)
        await one.take(allowance, "cleo")

        assert await passed(other, allowance=allowance, caller="cleo", tries=30) == 3


async def test_who_finds_out_in_vain_whether_redis_is_back_forgets_nothing(
    valkey: Valkey, allowance: Allowance
) -> None:
    clock = Clock()
    async with counting(valkey.url, clock, BRIEF) as one, counting(valkey.url, clock) as other:
        with frozen(valkey):
            await one.take(allowance, "somebody else")
            await passed(one, allowance=allowance, caller="cleo", tries=3)
            for _ in range(2):
                clock.advance(AWAY_SECONDS)
                await one.take(allowance, "cleo")
                await until(lambda: questions() == 0)
        await heal(one, other, clock)
        await one.take(allowance, "cleo")

        assert await passed(other, allowance=allowance, caller="cleo", tries=30) == 4


async def test_an_answer_that_comes_late_is_one(valkey: Valkey, allowance: Allowance) -> None:
    clock = Clock()
    async with (
        counting(valkey.url, clock, BRIEF, give_up=PATIENT) as one,
        counting(valkey.url, clock) as other,
    ):
        await one.take(allowance, "cleo")
        with frozen(valkey):
            await one.take(allowance, "cleo")
            assert questions() == 1
        await until(lambda: questions() == 0)
        await heal(one, other, clock)
        await one.take(allowance, "cleo")

        assert await passed(other, allowance=allowance, caller="cleo", tries=30) == 7


async def test_what_has_drained_since_redis_hung_is_not_told_to_it(
    valkey: Valkey, allowance: Allowance
) -> None:
    clock = Clock()
    async with counting(valkey.url, clock, BRIEF) as one, counting(valkey.url, clock) as other:
        with frozen(valkey):
            await one.take(allowance, "somebody else")
            await passed(one, allowance=allowance, caller="cleo", tries=6)
        clock.advance(4 * HOUR)
        await heal(one, other, clock)
        await one.take(allowance, "cleo")

        assert await passed(other, allowance=allowance, caller="cleo", tries=30) == 7


async def test_a_redis_that_lost_everything_refuses_nobody(
    valkey: Valkey, allowance: Allowance
) -> None:
    async with counting(valkey.url) as worker, talking(valkey.url) as redis:
        await passed(worker, allowance=allowance, caller="cleo", tries=5)
        await redis.flushall()
        await redis.script_flush()

        assert await passed(worker, allowance=allowance, caller="cleo", tries=30) == 5
        assert len(await buckets_of(redis, allowance)) == 1


async def test_closing_ends_the_questions_that_are_under_way(
    valkey: Valkey, allowance: Allowance
) -> None:
    with frozen(valkey):
        async with counting(valkey.url) as worker:
            waiting = asyncio.create_task(worker.take(allowance, "cleo"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert questions() == 1
        assert questions() == 0
        await asyncio.gather(waiting, return_exceptions=True)
