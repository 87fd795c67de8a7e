"""Refills, on a real Postgres: blocks of the log, read once for everyone who waits for them."""

import asyncio
import gc
from collections.abc import AsyncIterator
from weakref import ref

import pytest

from app.realtime.log.reader import PIECE_BYTES, PIECE_EVENTS
from app.realtime.wire.codes import CloseCode
from tests.realtime.log_writer import LogWriter
from tests.realtime.refills import Counter, given, refilling
from tests.waiting import until


@pytest.fixture
async def counter(database: str) -> AsyncIterator[Counter]:
    async with refilling(database) as counter:
        yield counter


# ---------------------------------------------------------------------- together


async def test_one_read_serves_all_who_wait_for_one_block(counter: Counter, log: LogWriter) -> None:
    await log.append("a", count=100)
    counter.know(100)
    asking = [counter.ask(cursor) for cursor in (0, 7, 7, 42, 99)]
    await counter.served(*asking)
    assert counter.reader.reads == ["refill"]
    assert counter.ready == asking
    assert len({id(subscription.segment) for subscription in asking}) == 1
    assert [given(one) for one in asking] == [(c, 100) for c in (0, 7, 7, 42, 99)]


async def test_each_block_is_read_once(counter: Counter, log: LogWriter) -> None:
    await log.append("a", count=2 * PIECE_EVENTS + 10)
    counter.know(2 * PIECE_EVENTS + 10)
    asking = [counter.ask(cursor) for cursor in range(0, 2 * PIECE_EVENTS + 10, 50)]
    await counter.served(*asking)
    assert counter.reader.reads == ["refill"] * 3
    assert counter.lost == []
    ends = {given(one)[1] for one in asking}
    assert ends == {PIECE_EVENTS, 2 * PIECE_EVENTS, 2 * PIECE_EVENTS + 10}


async def test_who_comes_while_a_block_is_read_shares_it(counter: Counter, log: LogWriter) -> None:
    await log.append("a", count=10)
    counter.know(10)
    counter.reader.may_answer.clear()
    early = counter.ask(0)
    await counter.held_up()
    late = counter.ask(5)
    counter.reader.may_answer.set()
    await counter.served(early, late)
    assert counter.reader.reads == ["refill"]
    assert late.segment is early.segment


async def test_what_was_read_just_now_is_not_read_again(counter: Counter, log: LogWriter) -> None:
    await log.append("a", count=10)
    counter.know(10)
    early = counter.ask(0)
    await counter.served(early)
    late = counter.ask(9)
    await counter.served(late)
    assert counter.reader.reads == ["refill"]
    assert late.segment is early.segment


async def test_what_was_read_before_the_log_grew_is_read_again_for_what_came(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=10)
    counter.know(10)
    await counter.served(counter.ask(0))
    await log.append("a", count=10)
    counter.know(20)
    late = counter.ask(10)
    await counter.served(late)
    assert given(late) == (10, 20)
    assert counter.lost == []


async def test_who_asks_for_what_came_during_the_read_is_not_lost(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=10)
    counter.know(10)
    counter.reader.may_answer.clear()
    early = counter.ask(0)
    await counter.held_up()
    await log.append("a", count=10)
    counter.know(20)
    late = counter.ask(10)
    counter.reader.may_answer.set()
    await counter.served(early, late)
    assert (counter.ready, counter.lost) == ([early, late], [])
    assert late.needs_refill  # and so asks again
    counter.refills.request(late)
    await counter.served(late)
    assert given(late) == (10, 20)


async def test_reads_of_those_who_have_just_come_back_are_counted_apart(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=2 * PIECE_EVENTS)
    counter.know(2 * PIECE_EVENTS)
    await counter.served(counter.ask(0), counter.ask(3, recovering=True))
    await counter.served(counter.ask(PIECE_EVENTS))
    assert counter.reader.reads == ["recover", "refill"]


async def test_a_block_that_is_too_large_for_one_read_is_read_in_pieces(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=6, payload="x" * (PIECE_BYTES // 2 + 1))
    counter.know(6)
    first, last = counter.ask(0), counter.ask(5)
    await counter.served(first, last)
    assert given(first) == (0, 2)
    assert last.needs_refill
    counter.refills.request(last)
    await counter.served(last)
    assert given(last) == (5, 6)
    assert counter.lost == []
    assert counter.reader.reads == ["refill"] * 3  # from the block's begin, and from its own place


async def test_who_stands_before_what_is_being_read_is_not_lost(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=10)
    counter.know(10)
    counter.reader.may_answer.clear()
    early = counter.ask(7)
    await counter.held_up()
    late = counter.ask(3)
    counter.reader.may_answer.set()
    await counter.served(early, late)
    assert (given(early), given(late)) == ((7, 10), (3, 10))
    assert counter.lost == []


async def test_who_comes_from_further_back_costs_no_other_read(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=10)
    counter.know(10)
    for cursor in reversed(range(10)):
        await counter.served(counter.ask(cursor))
    assert counter.reader.reads == ["refill"]


async def test_nothing_is_kept_of_those_who_have_what_was_read(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=10)
    counter.know(10)
    one = counter.ask(0)
    await counter.served(one)
    assert one.segment is not None
    segment, subscription = ref(one.segment), ref(one)
    one.advance(10)
    counter.refills._recent.clear()
    gc.collect()
    assert segment() is None
    counter.ready.clear()
    del one
    gc.collect()
    assert subscription() is None


# ---------------------------------------------------------------- what goes wrong


async def test_a_postgres_that_fails_is_asked_again(counter: Counter, log: LogWriter) -> None:
    await log.append("a", count=10)
    counter.know(10)
    counter.reader.failures = 1
    asking = [counter.ask(cursor) for cursor in (0, 5)]
    await counter.served(*asking)
    assert counter.ready == asking
    assert counter.reader.reads == ["refill"] * 2


async def test_after_any_other_error_all_who_waited_may_ask_again(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=10)
    counter.know(10)
    counter.reader.failures, counter.reader.error = 1, LookupError("a defect")
    asking = [counter.ask(cursor) for cursor in (0, 5)]
    (task,) = counter.refills._tasks
    await asyncio.wait({task})
    assert task.exception() is counter.reader.error
    assert counter.ready == asking
    assert all(one.needs_refill for one in asking)
    counter.refills.request(asking[0])
    await counter.served(asking[0])
    assert given(asking[0]) == (0, 10)


async def test_a_postgres_that_fails_is_not_asked_for_nobody(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=10)
    counter.know(10)
    counter.reader.failures = 1_000
    gone, closed = counter.ask(0), counter.ask(5)
    await until(lambda: counter.reader.reads == ["refill"])
    gone.ended = True
    closed.connection.close(CloseCode.SHUTDOWN)
    await until(lambda: not counter.refills._tasks)
    assert counter.reader.reads == ["refill"]
    assert (counter.ready, counter.lost) == ([], [])


async def test_who_comes_after_that_is_served(counter: Counter, log: LogWriter) -> None:
    await log.append("a", count=10)
    counter.know(10)
    counter.reader.failures = 1
    gone = counter.ask(0)
    await until(lambda: counter.reader.reads == ["refill"])
    gone.ended = True
    await until(lambda: not counter.refills._tasks)
    late = counter.ask(0)
    await counter.served(late)
    assert counter.ready == [late]


async def test_one_that_has_ended_is_told_nothing(counter: Counter, log: LogWriter) -> None:
    await log.append("a", count=10)
    counter.know(10)
    counter.reader.may_answer.clear()
    gone, closed, lost, stays = (counter.ask(cursor) for cursor in (1, 2, 0, 3))
    await counter.held_up()
    await log.cut("a", [1])
    for one in (gone, lost):
        del one.connection.subscriptions["a"]
        one.ended = True
    closed.connection.close(CloseCode.SHUTDOWN)
    counter.reader.may_answer.set()
    await counter.served(gone, closed, lost, stays)
    assert (counter.ready, counter.lost) == ([stays], [])


async def test_the_end_of_the_worker_ends_what_is_under_way(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=10)
    counter.know(10)
    counter.reader.may_answer.clear()
    one = counter.ask(0)
    await counter.held_up()
    before = asyncio.all_tasks()
    await counter.refills.aclose()
    assert len(asyncio.all_tasks()) == len(before) - 1
    assert one.refilling
