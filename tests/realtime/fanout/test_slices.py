"""Slices: what is to be done for many, by a clock that each deed moves on."""

import asyncio

from app.realtime.fanout.flush import SLICE_SECONDS
from app.realtime.fanout.slices import Slices

PER_SLICE = 3


class Work:
    def __init__(self) -> None:
        self.done: list[int] = []
        self._now = 0.0
        self.slices = Slices(self._do, lambda: self._now)

    def _do(self, item: int) -> None:
        self.done.append(item)
        self._now += 1.01 * SLICE_SECONDS / PER_SLICE


async def test_the_first_slice_is_done_at_once_and_the_others_turn_by_turn() -> None:
    work = Work()
    work.slices.add(range(2 * PER_SLICE + 1))
    counts = [len(work.done)]
    for _ in range(2):
        await asyncio.sleep(0)
        counts.append(len(work.done))
    assert counts == [PER_SLICE, 2 * PER_SLICE, 2 * PER_SLICE + 1]
    assert work.done == [*range(2 * PER_SLICE + 1)]


async def test_what_is_added_meanwhile_comes_behind_and_nothing_twice() -> None:
    work = Work()
    work.slices.add(range(PER_SLICE + 2))
    work.slices.add([PER_SLICE + 1, 100, PER_SLICE])
    await asyncio.sleep(0)
    assert work.done == [*range(PER_SLICE + 2), 100]


async def test_what_was_done_is_done_again_when_it_is_asked_for_again() -> None:
    work = Work()
    work.slices.add([1])
    work.slices.add([1])
    assert work.done == [1, 1]


async def test_the_rest_is_done_at_once_or_not_at_all() -> None:
    one, other = Work(), Work()
    for work in (one, other):
        work.slices.add(range(2 * PER_SLICE))
    one.slices.finish()
    other.slices.cancel()
    await asyncio.sleep(0)
    assert (len(one.done), len(other.done)) == (2 * PER_SLICE, PER_SLICE)
