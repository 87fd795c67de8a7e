"""Refills, where the log does not have everything any more."""

from collections.abc import AsyncIterator

import pytest

from app.realtime.log.reader import PIECE_BYTES, PIECE_EVENTS
from tests.realtime.log_writer import LogWriter
from tests.realtime.refills import Counter, given, refilling

HOUR = 3_600.0


@pytest.fixture
async def counter(database: str) -> AsyncIterator[Counter]:
    async with refilling(database) as counter:
        yield counter


# -------------------------------------------------------------------- what is left


async def test_nothing_beyond_the_logs_head_is_given(counter: Counter, log: LogWriter) -> None:
    await log.append("a", count=20)
    counter.know(12)
    one = counter.ask(3)
    await counter.served(one)
    assert given(one) == (3, 12)


async def test_who_stands_before_a_pruned_front_is_lost_and_the_others_go_on(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=30, age_seconds=2 * HOUR)
    await log.append("a", count=10)
    await counter.reader.prune(HOUR)
    counter.know(40)
    before, at_the_front, after = counter.ask(29), counter.ask(30), counter.ask(35)
    await counter.served(before, at_the_front, after)
    assert (counter.lost, counter.ready) == ([before], [at_the_front, after])
    assert given(at_the_front) == (30, 40)
    assert counter.log.floor == 30


async def test_a_front_that_was_pruned_by_whole_blocks_is_lost_too(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=PIECE_EVENTS + 30, age_seconds=2 * HOUR)
    await log.append("a", count=10)
    await counter.reader.prune(HOUR)
    counter.know(PIECE_EVENTS + 40)
    one = counter.ask(7)
    await counter.served(one)
    assert counter.lost == [one]
    assert counter.log.floor == PIECE_EVENTS + 30


async def test_a_log_that_was_pruned_altogether_is_lost_once(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=30, age_seconds=2 * HOUR)
    await counter.reader.prune(HOUR)
    counter.know(30)
    one = counter.ask(7)
    await counter.served(one)
    assert counter.lost == [one]
    assert counter.log.floor == 30


@pytest.mark.parametrize("hole", [[1], [5], [4, 5, 6], [2, 8]])
async def test_a_hole_ends_it_for_those_before_it_and_they_cannot_recover_either(
    counter: Counter, log: LogWriter, hole: list[int]
) -> None:
    await log.append("a", count=10)
    await log.cut("a", hole)
    counter.know(10)
    before, behind = counter.ask(hole[0] - 1), counter.ask(hole[-1])
    await counter.served(before, behind)
    assert (counter.lost, counter.ready) == ([before], [behind])
    assert given(behind) == (hole[-1], 10)
    assert counter.log.floor == hole[-1]


async def test_a_hole_at_the_very_end_is_not_asked_for_again_and_again(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=10)
    await log.cut("a", [9, 10])
    counter.know(10)
    one = counter.ask(8)
    await counter.served(one)
    assert counter.lost == [one]
    assert counter.log.floor == 10


async def test_a_hole_between_two_blocks_ends_it(counter: Counter, log: LogWriter) -> None:
    await log.append("a", count=PIECE_EVENTS + 10)
    await log.cut("a", [PIECE_EVENTS + 1])
    counter.know(PIECE_EVENTS + 10)
    one = counter.ask(PIECE_EVENTS)
    await counter.served(one)
    assert counter.lost == [one]


async def test_a_hole_behind_what_fits_into_one_read_ends_it_when_it_is_come_to(
    counter: Counter, log: LogWriter
) -> None:
    await log.append("a", count=5, payload="x" * (PIECE_BYTES // 2 + 1))
    await log.cut("a", [3])
    counter.know(5)
    one = counter.ask(0)
    await counter.served(one)
    assert given(one) == (0, 2)
    one.cursor = 2
    counter.refills.request(one)
    await counter.served(one)
    assert counter.lost == [one]
