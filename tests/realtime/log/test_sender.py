"""Sender on a real Valkey: one that refuses, one that cuts the connection, one that is slow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from app.embedded import Services, Valkey
from app.realtime.log.sender import Sender
from tests.realtime.brokers import frozen, talking
from tests.waiting import in_background, until


class Speaker:
    """A sender, what became of its batches, and what a stranger hears in "a"."""

    def __init__(self, sender: Sender, heard: list[bytes], outcomes: list[bool]) -> None:
        self.sender = sender
        self.heard = heard
        self.outcomes = outcomes

    async def say(self, *data: bytes, topic: str = "a") -> bool:
        """Whether Redis took it."""
        self.sender.offer([(topic, each) for each in data])
        assert await self.sender.wait(60)
        return self.outcomes[-1]

    async def hears(self, *data: bytes) -> None:
        await until(lambda: len(self.heard) >= len(data))
        assert self.heard == [*data]


@asynccontextmanager
async def speaking(
    listened_to: str, url: str | None = None, seconds: float = 60.0
) -> AsyncIterator[Speaker]:
    """`url`: by which it speaks, if that is another; `seconds`: its limit of time."""
    heard: list[bytes] = []
    outcomes: list[bool] = []
    async with (
        talking(listened_to) as ear,
        talking(url or listened_to) as mouth,
        ear.pubsub(ignore_subscribe_messages=True) as subscription,
    ):
        await subscription.subscribe(a=lambda message: heard.append(message["data"]))
        sender = Sender(mouth, seconds, outcomes.append)
        try:
            async with in_background(subscription.run(poll_timeout=60)):
                yield Speaker(sender, heard, outcomes)
        finally:
            await sender.aclose()


async def clients_of(redis: Redis) -> set[str]:
    return {one["id"] for one in await redis.client_list()}


@pytest.fixture
def redis_url(services: Services) -> str:
    return services.redis_url


async def test_batches_are_heard_in_order_by_one_connection(redis_url: str) -> None:
    async with speaking(redis_url) as one:
        assert await one.say(b"1", b"\r\n", bytes(range(256)) * 1_024)
        link = one.sender._link
        for data in (b"2", b"3"):  # they come while one is under way
            one.sender.offer([("a", data)])
        assert await one.say(b"")
        await one.hears(b"1", b"\r\n", bytes(range(256)) * 1_024, b"2", b"3", b"")
        assert one.sender._link is link


async def test_nothing_at_all_is_no_batch(redis_url: str) -> None:
    async with speaking(redis_url) as one:
        one.sender.offer([])
        assert not one.sender.busy
        assert one.outcomes == []


async def test_a_connection_that_was_cut_between_two_batches_costs_none(valkey: Valkey) -> None:
    async with speaking(valkey.url) as one, talking(valkey.url) as redis:
        for data in (b"1", b"2"):
            assert await one.say(data)
            await redis.client_kill_filter(_type="normal", skipme=True)
            link = one.sender._link
            assert link is not None
            await until(lambda: not link.is_open)  # noqa: B023 - right here
        assert await one.say(b"3")
        await one.hears(b"1", b"2", b"3")


async def test_the_end_of_a_connection_may_be_told_while_another_is_opened(
    redis_url: str,
) -> None:
    async with speaking(redis_url) as one:
        assert await one.say(b"1")
        link = one.sender._link
        assert link is not None
        link._transport.abort()
        assert not link.is_open
        assert not link._ended.is_set()  # in the next turn it is
        assert await one.say(b"2")
        await one.hears(b"1", b"2")


async def test_a_connection_that_is_cut_fails_what_was_under_way(valkey: Valkey) -> None:
    async with speaking(valkey.url) as one:
        assert await one.say(b"1")
        link = one.sender._link
        assert link is not None
        with frozen(valkey):
            one.sender.offer([("a", b"2")])
            link._transport.abort()
            assert await one.sender.wait(60)
        assert one.outcomes == [True, False]
        assert one.sender.broken
        one.sender.mend()
        assert await one.say(b"3")


async def test_what_redis_refuses_is_a_failure_and_the_next_connects_anew(redis_url: str) -> None:
    async with talking(redis_url) as redis:
        await redis.acl_setuser(
            "mouth", enabled=True, passwords="+mouth", commands=["+@all"], channels=["a"]
        )
    own = f"redis://mouth:mouth@{redis_url.partition('@')[2]}"
    async with speaking(redis_url, own) as one:
        assert await one.say(b"1")
        assert not await one.say(b"never", topic="b")
        assert one.sender.broken
        one.sender.mend()
        assert await one.say(b"2")
        await one.hears(b"1", b"2")


async def test_opening_ends_with_the_limit_of_time_and_leaves_no_connection(valkey: Valkey) -> None:
    async with speaking(valkey.url, seconds=0.1) as one, talking(valkey.url) as redis:
        before = await clients_of(redis)
        with frozen(valkey):
            assert not await one.say(b"1")
        while await clients_of(redis) - before:
            continue
        one.sender.mend()
        one.sender._timeout = 60
        assert await one.say(b"2")
        await one.hears(b"2")


async def test_who_closes_it_leaves_no_connection_at_any_moment(redis_url: str) -> None:
    async with talking(redis_url) as redis, talking(redis_url) as mouth:
        before = await clients_of(redis)
        turns, opened = 0, False
        while not opened:
            sender = Sender(mouth, 60, print)
            sender.offer([("a", b"")])
            for _ in range(turns):
                await asyncio.sleep(0)
            opened = sender._link is not None
            await sender.aclose()
            while await clients_of(redis) - before:
                continue
            turns = turns + 1 if turns < 8 else turns * 2


async def test_the_next_batch_connects_anew_where_that_is_wanted(redis_url: str) -> None:
    async with speaking(redis_url) as one:
        assert await one.say(b"1")
        before = one.sender._link
        one.sender.offer([("a", b"2")])
        one.sender.connect_anew()
        one.sender.offer([("a", b"3")])
        assert one.sender._link is before  # one that is under way is left alone
        assert await one.say()
        after = one.sender._link
        assert after is not before
        assert await one.say(b"4")
        assert one.sender._link is after
        await one.hears(b"1", b"2", b"3", b"4")
