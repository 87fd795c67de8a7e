"""LogFollower: another log than before, and how often it looks."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from tests.realtime.followers import Followed, following, looking
from tests.realtime.log_writer import LogWriter
from tests.waiting import until


@pytest.fixture
async def followed(settings: Settings) -> AsyncIterator[Followed]:
    async with following(settings) as followed:
        yield followed


# --------------------------------------------------------------------- renewal


async def test_another_epoch_drops_every_ring(followed: Followed, log: LogWriter) -> None:
    active = await followed.follower.acquire("a")
    before = followed.follower.epoch
    await log.renew_epoch()
    await followed.follower.look()
    assert followed.renewals == 1
    assert followed.follower.epoch != before
    assert not followed.follower.is_current(active)
    assert (await followed.follower.acquire("a")).started


async def test_a_tick_below_the_known_one_is_another_log(
    followed: Followed, log: LogWriter
) -> None:
    await log.append("a")
    await followed.follower.look()
    await log.connection.execute("UPDATE relay SET tick = 0")
    await followed.follower.look()
    assert followed.renewals == 1


async def test_an_activation_finds_another_epoch_before_any_look(
    followed: Followed, log: LogWriter
) -> None:
    await log.renew_epoch()
    with pytest.raises(OSError, match="renewed"):
        await followed.follower.acquire("a")
    assert followed.renewals == 1
    assert (await followed.follower.acquire("a")).started


async def test_an_activation_that_was_overtaken_by_a_renewal_does_not_undo_it(
    followed: Followed, log: LogWriter
) -> None:
    followed.reader.may_answer.clear()
    acquiring = asyncio.create_task(followed.follower.acquire("a"))
    await followed.reader.asked.wait()
    await log.renew_epoch()
    await followed.follower.look()
    renewed = followed.follower.epoch
    followed.reader.may_answer.set()
    with pytest.raises(OSError, match="renewed"):
        await acquiring
    assert (followed.follower.epoch, followed.renewals) == (renewed, 1)


async def test_a_look_that_was_overtaken_by_a_renewal_does_not_undo_it(
    followed: Followed, log: LogWriter
) -> None:
    followed.reader.looked.clear()
    followed.reader.may_tell.clear()
    looking = asyncio.create_task(followed.follower.look())
    await followed.reader.looked.wait()
    await log.renew_epoch()
    with pytest.raises(OSError, match="renewed"):
        await followed.follower.acquire("a")
    renewed = followed.follower.epoch
    followed.reader.may_tell.set()
    await looking
    assert (followed.follower.epoch, followed.renewals) == (renewed, 1)


async def test_after_an_activation_found_another_log_a_look_finds_what_nobody_was_told(
    followed: Followed, log: LogWriter
) -> None:
    await log.renew_epoch()
    with pytest.raises(OSError, match="renewed"):
        await followed.follower.acquire("a")
    active = await followed.follower.acquire("a")
    await log.append("a")
    await followed.follower.look()
    await until(lambda: active.head == 1)


# ----------------------------------------------------------------------- looks


@pytest.mark.parametrize("up", [True, False])
async def test_looks_are_frequent_while_redis_is_away(
    settings: Settings, log: LogWriter, *, up: bool
) -> None:
    seldom = settings.model_copy(update={"look_seconds": 60, "look_seconds_alone": 0.02})
    async with following(seldom) as followed, looking(followed):
        active = await followed.follower.acquire("a")
        followed.wire.is_up = up
        followed.wire.on_up()
        await until(lambda: followed.follower.postgres_up)
        await log.append("a")
        if up:  # only the link's return makes it look before its time
            followed.wire.on_up()
        await until(lambda: active.head == 1)


async def test_looks_go_on_after_postgres_was_away(settings: Settings, log: LogWriter) -> None:
    quick = settings.model_copy(update={"look_seconds": 0.02})
    async with following(quick) as followed:
        active = await followed.follower.acquire("a")
        await followed.reader.close()
        async with looking(followed):
            await until(lambda: not followed.follower.postgres_up)
            await log.append("a")
            await followed.reader.open()
            await until(lambda: active.head == 1)
            assert followed.follower.postgres_up


async def test_a_look_that_fails_tells_that_postgres_is_away(settings: Settings) -> None:
    quick = settings.model_copy(update={"look_seconds": 0.02})
    told = asyncio.Event()
    async with following(quick) as followed:
        followed.follower.on_away = told.set
        async with looking(followed):
            await until(lambda: followed.follower.postgres_up)
            assert not told.is_set()
            await followed.reader.close()
            await until(told.is_set)
