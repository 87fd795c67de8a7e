"""ConnectionManager: whoever fell off a ring goes on from Postgres, and nobody notices."""

import gc
import json
import weakref
from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from app.realtime.fanout.refill import KEPT_SEGMENTS
from app.realtime.fanout.subscription import Subscription
from tests.realtime.followers import NarrowFollower
from tests.realtime.halls import Hall, Seat, hall_of
from tests.realtime.log_writer import LogWriter
from tests.waiting import until


@pytest.fixture
async def small(settings: Settings, log: LogWriter) -> AsyncIterator[Hall]:
    """Its rings hold three events."""
    async with hall_of(settings.model_copy(update={"ring_events": 3}), log) as hall:
        yield hall


async def test_who_fell_off_the_ring_is_refilled_from_postgres(small: Hall) -> None:
    seat = await small.seat("a")
    seat.pause()
    await small.say("a", 10)
    seat.drain()
    await until(lambda: seat.offsets[-1:] == [10])
    assert seat.offsets == list(range(1, 11))


async def test_who_is_slow_loses_nothing_when_other_channels_need_the_room(
    settings: Settings, log: LogWriter
) -> None:
    bounded = settings.model_copy(update={"ring_bytes": 1000})
    async with hall_of(bounded, log, NarrowFollower) as hall:
        slow, other = await hall.seat("a"), await hall.seat("b")
        slow.pause()
        for channel in "ab":
            await hall.say(channel, 3, payload=json.dumps({"fill": "x" * 250}))
        assert slow.subscription.log.first == 3
        slow.drain()
        await until(lambda: slow.offsets[-1:] == [3])
        assert slow.offsets == other.offsets == [1, 2, 3]


async def test_one_read_serves_all_who_fell_off_at_the_same_place(small: Hall) -> None:
    await small.say("a", 40)
    seats = [await small.seat("a", cursor=4) for _ in range(10)]
    small.reader.reads.clear()
    for seat in seats:
        seat.connection.pump()
    await until(lambda: all(seat.offsets[-1:] == [40] for seat in seats))
    assert all(seat.offsets == list(range(5, 41)) for seat in seats)
    assert small.reader.reads == ["refill"]
    assert len({id(seat.transport.messages[0]) for seat in seats}) == 1


async def test_who_has_caught_up_keeps_nothing_of_what_was_read(
    small: Hall, log: LogWriter
) -> None:
    await log.append("a", count=40)
    recovering = [await small.seat("a", cursor=cursor, recovering=True) for cursor in (38, 38, 39)]
    for seat in recovering:
        seat.connection.pump()
    await until(lambda: all(seat.offsets[-1:] == [40] for seat in recovering))
    for seat in recovering:
        assert seat.subscription.segment is None
        assert not seat.subscription.recovering


async def test_what_was_read_is_not_kept_for_those_who_were_given_it_in_a_walk(
    small: Hall, log: LogWriter
) -> None:
    await log.append("a", count=10)
    seats = [await small.seat("a", cursor=2) for _ in range(3)]
    for seat in seats:
        seat.pause()
        small.manager.refill(seat.subscription)
    await until(lambda: not any(seat.subscription.refilling for seat in seats))
    for seat in seats:
        seat.transport.writable = True
    await small.say("a")
    await until(lambda: all(seat.offsets == list(range(3, 12)) for seat in seats))
    assert [seat.subscription.segment for seat in seats] == [None] * 3


async def test_what_was_read_is_gone_once_others_were_read(small: Hall, log: LogWriter) -> None:
    async def missing_one(channel: str) -> Seat:
        await log.append(channel, count=2)
        seat = await small.seat(channel, cursor=1)
        seat.pause()
        small.manager.refill(seat.subscription)
        await until(lambda: not seat.subscription.refilling)
        return seat

    one = await missing_one("a")
    assert one.subscription.segment is not None
    segment = weakref.ref(one.subscription.segment)
    one.drain()
    assert one.offsets == [2]
    others = [await missing_one(f"b{nth}") for nth in range(KEPT_SEGMENTS)]
    gc.collect()
    assert (segment(), len(others)) == (None, KEPT_SEGMENTS)


async def test_a_long_way_back_is_read_piece_by_piece(small: Hall) -> None:
    await small.say("a", 1_700)
    seat = await small.seat("a", cursor=0)
    await small.say("a")
    await until(lambda: seat.offsets[-1:] == [1_701])
    assert seat.offsets == list(range(1, 1_702))


async def test_a_refill_that_fails_is_tried_again(small: Hall) -> None:
    await small.say("a", 10)
    seat = await small.seat("a", cursor=0)
    small.reader.failures = 1
    seat.connection.pump()
    await until(lambda: seat.offsets[-1:] == [10])
    assert seat.offsets == list(range(1, 11))


async def test_who_leaves_during_a_refill_is_let_go(small: Hall) -> None:
    await small.say("a", 10)
    seat = await small.seat("a", cursor=0)
    small.reader.may_answer.clear()
    seat.connection.pump()
    small.manager.forget(seat.connection)
    small.reader.may_answer.set()
    await until(lambda: not small.manager._refills._tasks)
    assert seat.transport.sent == []


async def test_what_was_pruned_before_its_refill_ends_the_subscription(
    small: Hall, log: LogWriter
) -> None:
    await small.say("a", 10)
    seat = await small.seat("a", cursor=0)
    await log.cut("a", range(1, 4))
    seat.connection.pump()
    assert (await seat.transport.push("a", "unsubscribe"))["code"] == 2500
    assert seat.offsets == []


async def test_a_refill_that_finds_nothing_does_not_end_a_later_subscription(
    small: Hall, log: LogWriter
) -> None:
    await small.say("a", 10)
    seat = await small.seat("a", cursor=0)
    await log.cut("a", range(1, 4))
    small.reader.may_answer.clear()
    seat.connection.pump()
    small.manager.detach(seat.connection, "a")
    active = await small.follower.acquire("a")
    again = Subscription(seat.connection, "a", active, active.head)
    small.manager.attach(again)
    small.reader.may_answer.set()
    await until(lambda: not small.manager._refills._tasks)
    assert seat.connection.subscriptions == {"a": again}
