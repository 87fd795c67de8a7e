"""Workers that share one Redis, and what each knows by itself."""

import asyncio

import pytest
from pydantic import SecretStr

from app.core.buckets import CREDIT_PART, Allowance
from app.core.errors import TooManyRequests
from app.core.ids import new_id
from app.core.rates import CALLERS
from app.embedded import Services
from tests.core.rating import (
    HOUR,
    NOWHERE,
    Clock,
    buckets_of,
    counting,
    hourly,
    let_pass,
    passed,
)
from tests.realtime.brokers import talking


@pytest.fixture
def redis_url(services: Services) -> str:
    return services.redis_url


@pytest.fixture
def small() -> Allowance:
    """Less than CREDIT_PART at once: each one is asked for."""
    return hourly(new_id().hex, burst=10)


@pytest.fixture
def large() -> Allowance:
    return hourly(new_id().hex, burst=200)


async def test_two_workers_keep_a_small_burst_exactly(redis_url: str, small: Allowance) -> None:
    async with counting(redis_url) as one, counting(redis_url) as other:
        assert await passed(one, other, allowance=small, caller="cleo", tries=30) == 10


async def test_two_workers_keep_a_large_burst_nearly(redis_url: str, large: Allowance) -> None:
    async with counting(redis_url) as one, counting(redis_url) as other:
        count = await passed(one, other, allowance=large, caller="cleo", tries=400)

    assert 200 <= count <= 200 + 2 * 200 // CREDIT_PART


async def test_what_passed_too_much_is_waited_for(redis_url: str, large: Allowance) -> None:
    clock = Clock()
    async with (
        counting(redis_url, clock) as one,
        counting(redis_url, clock) as other,
        talking(redis_url) as redis,
    ):
        workers = (one, other)
        count = await passed(*workers, allowance=large, caller="cleo", tries=400)
        for _ in range(100):
            await let_pass(redis, clock, large, HOUR)
            count += await passed(*workers, allowance=large, caller="cleo", tries=4)

    assert 200 + 99 <= count <= 200 + 100 + 2 * 200 // CREDIT_PART


async def test_many_at_once_are_counted_as_many(redis_url: str, small: Allowance) -> None:
    async with counting(redis_url) as one, counting(redis_url) as other:
        waits = await asyncio.gather(
            *(worker.take(small, "cleo") for _ in range(20) for worker in (one, other))
        )

    assert waits.count(0) == 10


async def test_redis_is_not_asked_while_the_limit_is_far(redis_url: str, large: Allowance) -> None:
    async with counting(redis_url) as worker, talking(redis_url) as redis:
        await passed(worker, allowance=large, caller="cleo", tries=200 // CREDIT_PART)
        before = await buckets_of(redis, large)
        await worker.take(large, "cleo")
        after = await buckets_of(redis, large)

    assert (len(before), len(after)) == (0, 1)


async def test_one_passes_after_the_wait_that_was_told_and_no_sooner(
    redis_url: str, small: Allowance
) -> None:
    clock = Clock()
    async with counting(redis_url, clock) as one, talking(redis_url) as redis:
        await passed(one, allowance=small, caller="cleo", tries=10)
        wait = await one.take(small, "cleo")
        await let_pass(redis, clock, small, wait - 60)
        async with counting(redis_url, clock) as other:
            assert 0 < await one.take(small, "cleo") <= 60
            assert 0 < await other.take(small, "cleo") <= 60
            await let_pass(redis, clock, small, 60)
            assert await passed(one, other, allowance=small, caller="cleo", tries=4) == 1


async def test_refusals_of_redis_use_nothing_up(redis_url: str, small: Allowance) -> None:
    clock = Clock()
    async with (
        counting(redis_url, clock) as one,
        counting(redis_url, clock) as other,
        talking(redis_url) as redis,
    ):
        await passed(one, allowance=small, caller="cleo", tries=10)
        waits = await asyncio.gather(*(other.take(small, "cleo") for _ in range(8)))
        await let_pass(redis, clock, small, max(waits))

        assert 0 not in waits
        assert await other.take(small, "cleo") == 0


async def test_callers_and_allowances_do_not_touch_each_other(redis_url: str) -> None:
    allowances = [hourly(new_id().hex, burst=1) for _ in range(2)]
    async with counting(redis_url) as worker:
        waits = [
            await worker.take(allowance, caller)
            for allowance in allowances
            for caller in ("cleo", "omar")
        ]

    assert waits == [0, 0, 0, 0]


async def test_deployments_with_different_secrets_do_not_touch_each_other(
    redis_url: str, small: Allowance
) -> None:
    async with (
        counting(redis_url, secret=SecretStr("a" * 32)) as one,
        counting(redis_url, secret=SecretStr("b" * 32)) as two,
    ):
        counts = [
            await passed(worker, allowance=small, caller="cleo", tries=11) for worker in (one, two)
        ]

    assert counts == [10, 10]


async def test_redis_learns_no_address(redis_url: str, small: Allowance) -> None:
    async with counting(redis_url) as worker, talking(redis_url) as redis:
        await worker.take(small, "cleo@tandem.example")
        (key,) = await buckets_of(redis, small)

    assert b"cleo" not in key


async def test_a_bucket_ends_when_it_has_drained(redis_url: str, small: Allowance) -> None:
    async with counting(redis_url) as worker, talking(redis_url) as redis:
        await passed(worker, allowance=small, caller="cleo", tries=3)
        (key,) = await buckets_of(redis, small)
        left = await redis.pttl(key)

    assert 2.9 * HOUR * 1000 < left <= 3 * HOUR * 1000


async def test_a_clock_that_was_set_back_keeps_nobody_out(redis_url: str, small: Allowance) -> None:
    async with (
        counting(redis_url) as one,
        counting(redis_url) as other,
        talking(redis_url) as redis,
    ):
        await one.take(small, "cleo")
        (key,) = await buckets_of(redis, small)
        await redis.incrby(key, 1000 * small.size)
        wait = await other.take(small, "cleo")

    assert 0 < wait <= 2 * 10 * HOUR


async def test_a_refusal_says_after_how_many_whole_seconds_to_come_again(
    redis_url: str,
) -> None:
    allowance = Allowance.of(new_id().hex, 1, seconds=2.5, burst=1)
    async with counting(redis_url) as worker:
        await worker.require(allowance, "cleo")
        with pytest.raises(TooManyRequests) as refused:
            await worker.require(allowance, "cleo")

    assert refused.value.headers == {"Retry-After": "3"}


async def test_an_allowance_of_zero_is_off_and_costs_nothing(redis_url: str) -> None:
    off = Allowance.of(new_id().hex, 0, seconds=1, burst=0)
    async with counting(redis_url) as worker, talking(redis_url) as redis:
        count = await passed(worker, allowance=off, caller="cleo", tries=1000)

        assert count == 1000
        assert await buckets_of(redis, off) == []
        assert not worker._buckets


async def test_a_worker_keeps_those_whom_it_saw_last(large: Allowance) -> None:
    async with counting(NOWHERE) as worker:
        for number in range(CALLERS):
            await worker.take(large, str(number))
        await worker.take(large, "0")
        await worker.take(large, "one more")

        assert len(worker._buckets) == CALLERS
        assert (large.name, "0") in worker._buckets
        assert (large.name, "1") not in worker._buckets
