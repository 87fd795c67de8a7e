"""Flush: an audience that takes long is served in slices, and costly flushes are spaced."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.realtime.fanout.flush import (
    CHEAP_SECONDS,
    CHECK_CLOCK_EVERY,
    GATHER_SECONDS,
    LEAST_SERVED,
    SLICE_SECONDS,
)
from tests.realtime.flushes import Listener, Theatre, turn, turns
from tests.realtime.logs import entries
from tests.waiting import until

EXPENSIVE = 0.001
SLICE = CHECK_CLOCK_EVERY  # so many writes take longer than SLICE_SECONDS


@pytest.fixture
async def theatre() -> AsyncIterator[Theatre]:
    """Each write takes a millisecond."""
    theatre = Theatre()
    theatre.cost = EXPENSIVE
    assert SLICE * EXPENSIVE > SLICE_SECONDS
    yield theatre
    theatre.flush.cancel()


def served(listeners: list[Listener], offset: int = 1) -> int:
    return sum(offset in listener.offsets for listener in listeners)


async def all_served(listeners: list[Listener], offset: int) -> None:
    await until(lambda: served(listeners, offset) == len(listeners))


# ------------------------------------------------------------------------- slices


async def test_a_large_audience_is_served_slice_by_slice(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(3 * SLICE + 5)]
    theatre.say()
    counts = []
    for _ in range(4):
        await turn()
        counts.append(served(listeners))
    assert counts == [SLICE, 2 * SLICE, 3 * SLICE, 3 * SLICE + 5]
    assert all(listener.offsets == [1] for listener in listeners)


async def test_between_slices_the_loop_does_everything_else(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(3 * SLICE)]
    seen: list[int] = []
    theatre.say()
    for _ in range(3):
        asyncio.get_running_loop().call_soon(lambda: seen.append(served(listeners)))
        await turn()
    assert seen == [SLICE, 2 * SLICE, 3 * SLICE]


async def test_a_cheap_audience_is_served_in_one_slice(theatre: Theatre) -> None:
    theatre.cost = 0.0
    listeners = [theatre.listen() for _ in range(20 * SLICE)]
    theatre.say()
    await turn()
    assert served(listeners) == len(listeners)


async def test_connections_that_were_refilled_are_pumped_in_slices_too(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(20)]
    theatre.log("a").append(entries(1, 1))
    for listener in listeners:
        theatre.flush.pump_later(listener.connection)
    await turn()
    assert 0 < served(listeners) < 20
    await all_served(listeners, 1)


async def test_who_waits_is_served_though_a_walk_takes_the_whole_slice(theatre: Theatre) -> None:
    large = [theatre.listen("large") for _ in range(3 * SLICE)]
    waiting = [theatre.listen() for _ in range(LEAST_SERVED + 1)]
    theatre.log("a").append(entries(1, 1))
    theatre.say("large")
    for listener in waiting:
        theatre.flush.pump_later(listener.connection)
    await turn()
    assert (served(large), served(waiting)) == (SLICE, LEAST_SERVED)
    await all_served(waiting, 1)


async def test_a_large_channel_does_not_keep_a_small_one_waiting_for_ever(
    theatre: Theatre,
) -> None:
    large = [theatre.listen("large") for _ in range(3 * SLICE)]
    small = theatre.listen("small")
    theatre.say("large")
    theatre.say("small")
    await turns(4)
    assert served(large) == len(large)
    assert small.offsets == [1]


# ---------------------------------------------------- what happens between slices


async def test_who_leaves_between_slices_is_told_nothing_more(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(2 * SLICE)]
    theatre.say()
    await turn()
    theatre.leave(listeners[-1])
    await turns(2)
    assert listeners[-1].transport.messages == []
    assert served(listeners) == 2 * SLICE - 1


async def test_who_leaves_and_comes_back_between_slices_is_not_told_twice(
    theatre: Theatre,
) -> None:
    listeners = [theatre.listen() for _ in range(2 * SLICE)]
    theatre.say()
    await turn()
    last = listeners[-1]
    theatre.leave(last)
    again = theatre.follow(last.connection, last.transport, "a")
    await turns(2)
    assert again.offsets == []  # it came back at the head
    theatre.say()
    await all_served([again], 2)
    assert again.offsets == [2]


async def test_who_is_suspended_between_slices_is_told_nothing(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(2 * SLICE)]
    theatre.say()
    await turn()
    listeners[-1].subscription.suspended = True
    await turns(2)
    assert listeners[-1].transport.messages == []


async def test_who_comes_between_slices_begins_where_they_were_told(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(2 * SLICE)]
    theatre.say()
    await turn()
    late = theatre.listen()
    theatre.say()
    await all_served([*listeners, late], 2)
    assert late.offsets == [2]


async def test_news_between_slices_reach_everybody_once_and_in_order(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(3 * SLICE)]
    for _ in range(6):
        theatre.say()
        await turn()
    await all_served(listeners, 6)
    assert all(listener.offsets == [1, 2, 3, 4, 5, 6] for listener in listeners)


async def test_the_last_in_a_sliced_walk_get_the_newest_in_the_same_write(
    theatre: Theatre,
) -> None:
    listeners = [theatre.listen() for _ in range(2 * SLICE)]
    theatre.say()
    await turn()
    theatre.say()
    await turn()
    assert listeners[0].offsets == [1]
    assert listeners[-1].offsets == [1, 2]
    assert len(listeners[-1].transport.messages) == 1
    await all_served(listeners, 2)


# ------------------------------------------------------------------------ spacing


async def test_after_a_cheap_flush_the_next_comes_at_once(theatre: Theatre) -> None:
    theatre.cost = CHEAP_SECONDS / 2
    listeners = [theatre.listen() for _ in range(2)]
    for offset in (1, 2, 3):
        theatre.say()
        await turn()
        assert served(listeners, offset) == 2


async def test_after_an_expensive_flush_the_next_waits_half_as_long(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(10)]  # 10 ms
    theatre.say()
    await turn()
    assert served(listeners) == 10
    theatre.say_and_hold(0.005)


async def test_events_gather_while_a_flush_waits(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(10)]
    theatre.say()
    await turn()
    theatre.say_and_hold(0.005)
    for _ in range(4):
        await turn()
        theatre.say()
    assert served(listeners, 2) == 0
    theatre.fire()
    assert served(listeners, 6) == len(listeners)
    assert all(len(listener.transport.messages) == 2 for listener in listeners)


async def test_events_gather_no_longer_than_they_need_to(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(25)]  # 25 ms
    theatre.say()
    await turn()
    theatre.say_and_hold(GATHER_SECONDS - 0.025)
    theatre.fire()
    assert served(listeners, 2) == len(listeners)


async def test_after_a_flush_in_which_enough_gathered_the_next_comes_at_once(
    theatre: Theatre,
) -> None:
    listeners = [theatre.listen() for _ in range(2 * SLICE)]  # 64 ms
    theatre.say()
    await turns(2)
    theatre.say()
    await turns(2)
    assert served(listeners, 2) == len(listeners)


async def test_a_pause_that_is_over_delays_nothing(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(10)]
    theatre.say()
    await turn()
    theatre.clock.now += 1
    theatre.say()
    await turn()
    assert served(listeners, 2) > 0
    await all_served(listeners, 2)
