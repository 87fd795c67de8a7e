"""LogFollower: how far the log reaches in both directions, asked for those who come back."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from app.realtime.log.channel_log import FLOOR_SECONDS
from tests.realtime.beats import now
from tests.realtime.followers import Followed, following
from tests.realtime.log_writer import LogWriter
from tests.waiting import until

HOUR = 3_600.0


@pytest.fixture
async def followed(settings: Settings) -> AsyncIterator[Followed]:
    async with following(settings) as followed:
        yield followed


async def test_a_channel_knows_its_floor_from_the_start(followed: Followed, log: LogWriter) -> None:
    await log.append("a", count=3, age_seconds=2 * HOUR)
    await log.append("a", count=2)
    await followed.reader.prune(HOUR)
    assert (await followed.follower.acquire("a")).floor == 3


async def test_a_check_finds_a_head_that_was_not_heard_of(
    followed: Followed, log: LogWriter
) -> None:
    active = await followed.follower.acquire("a")
    await log.append("a", count=3)
    await followed.follower.check(active, reason="recover")
    assert active.target == 3
    await until(lambda: active.head == 3)


async def test_a_check_finds_a_floor_that_was_raised(followed: Followed, log: LogWriter) -> None:
    await log.append("a", count=3, age_seconds=2 * HOUR)
    await log.append("a", count=2)
    active = await followed.follower.acquire("a")
    assert active.floor == 0
    await followed.reader.prune(HOUR)
    await followed.follower.check(active, reason="recover")
    assert active.floor == 3


async def test_a_floor_is_old_once_pruning_may_have_raised_it(followed: Followed) -> None:
    active = await followed.follower.acquire("a")
    assert not active.floor_is_old(now())
    active.checked_at -= FLOOR_SECONDS + 1
    assert active.floor_is_old(now())
    await followed.follower.check(active, reason="recover")
    assert not active.floor_is_old(now())


async def test_all_who_want_to_know_at_once_share_one_read(followed: Followed) -> None:
    active = await followed.follower.acquire("a")
    followed.reader.reads.clear()
    await asyncio.gather(*(followed.follower.check(active, reason="recover") for _ in range(100)))
    assert followed.reader.reads == ["extents to recover"]


async def test_an_answer_from_before_the_question_does_not_count(
    followed: Followed, log: LogWriter
) -> None:
    active = await followed.follower.acquire("a")
    followed.reader.asked.clear()
    followed.reader.may_answer.clear()
    early = asyncio.create_task(followed.follower.check(active, reason="recover"))
    await followed.reader.asked.wait()
    await log.append("a", count=3)  # of which another worker has told its clients already
    late = asyncio.create_task(followed.follower.check(active, reason="recover"))
    await asyncio.sleep(0)
    followed.reader.may_answer.set()
    await asyncio.gather(early, late)
    assert active.target == 3


async def test_a_check_that_fails_is_told_to_all_who_wait(followed: Followed) -> None:
    active = await followed.follower.acquire("a")
    followed.reader.failures = 1
    outcomes = await asyncio.gather(
        *(followed.follower.check(active, reason="recover") for _ in range(3)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 3
    await followed.follower.check(active, reason="recover")
