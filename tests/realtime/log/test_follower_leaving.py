"""LogFollower: channels that nobody uses any more are left, many at once in a few commands."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from app.realtime.log.lingering import LEFT_AT_ONCE
from tests.realtime.followers import Followed, following
from tests.waiting import until

CHANNELS = [f"c{nth}" for nth in range(2 * LEFT_AT_ONCE + 1)]


@pytest.fixture
async def followed(settings: Settings) -> AsyncIterator[Followed]:
    async with following(settings) as followed:
        yield followed


async def come_and_go(followed: Followed) -> None:
    """Somebody to each of the channels."""
    await asyncio.gather(*map(followed.follower.acquire, CHANNELS))
    for channel in CHANNELS:
        followed.follower.release(channel)


async def test_the_last_one_out_leaves_the_channel_after_a_while(followed: Followed) -> None:
    for _ in range(2):
        await followed.follower.acquire("a")
    followed.follower.release("a")
    followed.follower.release("a")
    assert followed.wire.subscribed == ["a"]
    await until(lambda: followed.wire.subscribed == [])
    assert followed.follower._logs == {}


async def test_who_comes_back_soon_finds_the_same_log(followed: Followed) -> None:
    active = await followed.follower.acquire("a")
    followed.follower.release("a")
    assert await followed.follower.acquire("a") is active
    await followed.leave_all()
    assert followed.follower.is_current(active)
    assert followed.wire.subscribed == ["a"]


async def test_who_comes_back_and_goes_again_is_waited_for_anew(followed: Followed) -> None:
    followed.follower.linger_seconds = 3_600
    for channel in ("a", "b", "a"):
        await followed.follower.acquire(channel)
        followed.follower.release(channel)
    assert list(followed.follower._lingering._due) == ["b", "a"]


async def test_many_channels_are_left_in_a_few_commands(followed: Followed) -> None:
    before = len(asyncio.all_tasks())
    await come_and_go(followed)
    assert len(asyncio.all_tasks()) == before + 1
    await followed.leave_all()
    commands = followed.wire.unsubscribes
    assert sum(commands) == len(CHANNELS)
    assert max(commands) <= LEFT_AT_ONCE
    assert 10 * len(commands) < len(CHANNELS)
    assert (followed.wire.subscribed, followed.follower._logs) == ([], {})


async def test_others_are_served_between_two_commands(followed: Followed) -> None:
    await come_and_go(followed)
    await followed.wire.unsubscribing.wait()
    assert len(followed.wire.unsubscribes) == 1


async def test_who_comes_back_while_others_are_left_finds_the_same_log(
    followed: Followed,
) -> None:
    await come_and_go(followed)
    await followed.wire.unsubscribing.wait()
    late = CHANNELS[-1]
    kept = followed.follower._logs[late]
    assert await followed.follower.acquire(late) is kept
    await followed.leave_all()
    assert (followed.wire.subscribed, followed.follower._logs) == ([late], {late: kept})


async def test_the_end_of_the_worker_ends_the_leaving(followed: Followed) -> None:
    await followed.follower.acquire("late")
    await come_and_go(followed)
    await followed.wire.unsubscribing.wait()
    before = asyncio.all_tasks()
    await followed.follower.aclose()
    followed.follower.release("late")
    assert len(asyncio.all_tasks()) == len(before) - 1
    assert len(followed.wire.unsubscribes) == 1
