"""One timer for many pieces of work: each ends in time, and only those that took too long."""

import asyncio

import pytest

from app.realtime.time_limit import TimeLimit
from tests.realtime.flushes import turns
from tests.waiting import never_waiting

SHORT = 0.4
LONG = 60.0


async def endure(limit: TimeLimit, forever: asyncio.Event) -> None:
    with limit.watch():
        await forever.wait()


async def test_work_that_takes_too_long_ends_with_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        await endure(TimeLimit(SHORT), asyncio.Event())


async def test_each_has_its_own_time() -> None:
    limit, forever, loop = TimeLimit(SHORT), asyncio.Event(), asyncio.get_running_loop()

    async def begin_and_measure() -> float:
        begun = loop.time()
        with pytest.raises(TimeoutError):
            await endure(limit, forever)
        return loop.time() - begun

    first = asyncio.create_task(begin_and_measure())
    await asyncio.sleep(SHORT / 2)
    second = asyncio.create_task(begin_and_measure())
    assert min(await asyncio.gather(first, second)) >= SHORT


async def test_work_that_ends_in_time_is_left_alone() -> None:
    limit, forever = TimeLimit(SHORT), asyncio.Event()
    with limit.watch():
        await turns(3)
    with pytest.raises(TimeoutError):  # the timer of the first is over by then, too
        await endure(limit, forever)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_an_error_of_the_work_is_its_own() -> None:
    limit = TimeLimit(LONG)
    with pytest.raises(LookupError), limit.watch():
        raise LookupError


async def test_who_is_cancelled_by_another_is_cancelled() -> None:
    task = asyncio.create_task(endure(TimeLimit(LONG), asyncio.Event()))
    await turns(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_by_another_at_the_same_moment_it_is_cancelled() -> None:
    limit = TimeLimit(LONG)
    task = asyncio.create_task(endure(limit, asyncio.Event()))
    await turns(3)
    next(iter(limit._running)).expire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_of_zero_is_off() -> None:
    forever = asyncio.Event()
    task = asyncio.create_task(endure(TimeLimit(0), forever))
    with pytest.raises(TimeoutError):
        await endure(TimeLimit(SHORT), asyncio.Event())
    forever.set()
    await task


# -------------------------------------------------------------- several pieces of work


async def test_pieces_of_work_have_their_time_together() -> None:
    limit, loop = TimeLimit(SHORT), asyncio.get_running_loop()
    deadline, begun = limit.deadline(), loop.time()
    with deadline:
        await turns(3)
    with pytest.raises(TimeoutError), deadline:
        await asyncio.Event().wait()
    assert loop.time() - begun >= SHORT
    with never_waiting():  # it is over
        for _ in range(2):
            with pytest.raises(TimeoutError), deadline:
                await asyncio.Event().wait()
    assert limit._running == {}


async def test_what_happens_between_the_pieces_is_not_cut_off() -> None:
    limit = TimeLimit(SHORT)
    deadline = limit.deadline()
    with deadline:
        await turns(3)
    await asyncio.sleep(2 * SHORT)
    with pytest.raises(TimeoutError), deadline:
        raise AssertionError("it is over")


async def test_after_its_end_a_deadline_begins_anew() -> None:
    limit = TimeLimit(SHORT)
    deadline = limit.deadline()
    for _ in range(2):
        with pytest.raises(TimeoutError), deadline:
            await asyncio.Event().wait()
        deadline.end()
    with deadline:
        await turns(3)
    deadline.end()
    assert limit._running == {}


async def test_who_is_cancelled_in_a_piece_of_work_is_cancelled() -> None:
    async def work() -> None:
        with TimeLimit(LONG).deadline():
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await turns(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
