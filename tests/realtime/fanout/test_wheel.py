"""Wheel, turned by hand."""

import asyncio
import time
from collections.abc import Callable

import pytest

from app.realtime.fanout.wheel import CHECK_CLOCK_EVERY, SLOT_SECONDS, TURN_SECONDS, Wheel
from tests.waiting import in_background, until

ALMOST = SLOT_SECONDS / 2


class Record:
    """What was due, in order; `then` says when an item is due next."""

    def __init__(self, then: Callable[[str], float | None] = lambda _item: None) -> None:
        self.due: list[str] = []
        self.wheel: Wheel[str] = Wheel(self._on_due)
        self._then = then

    def turn(self, now: float) -> None:
        """Everything that is due by now."""
        while self.wheel.turn(now):
            continue

    def _on_due(self, item: str) -> float | None:
        self.due.append(item)
        return self._then(item)


def test_an_item_is_due_at_its_time_at_most_a_slot_late() -> None:
    record = Record()
    record.wheel.schedule("a", 1.0)
    record.turn(0.99)
    assert record.due == []
    record.turn(1.0 + SLOT_SECONDS + ALMOST)
    assert record.due == ["a"]


def test_an_item_is_due_once() -> None:
    record = Record()
    record.wheel.schedule("a", 1.0)
    record.turn(2.0)
    record.turn(9.0)
    assert record.due == ["a"]


def test_an_item_comes_again_when_it_says_so() -> None:
    record = Record(lambda _item: 5.0 if len(record.due) == 1 else None)
    record.wheel.schedule("a", 1.0)
    record.turn(4.9)
    assert record.due == ["a"]
    record.turn(5.0 + SLOT_SECONDS + ALMOST)
    assert record.due == ["a", "a"]


def test_an_item_that_is_placed_anew_leaves_its_old_place() -> None:
    record = Record()
    record.wheel.schedule("a", 1.0)
    record.wheel.schedule("a", 3.0)
    record.turn(2.0)
    assert record.due == []
    record.turn(3.2)
    assert record.due == ["a"]


def test_an_item_that_was_removed_is_never_due() -> None:
    record = Record()
    record.wheel.schedule("a", 1.0)
    record.wheel.schedule("b", 1.0)
    record.wheel.remove("a")
    record.wheel.remove("nobody")
    record.turn(2.0)
    assert record.due == ["b"]


def test_one_item_may_remove_another_of_the_same_slot() -> None:
    def remove_the_other(item: str) -> None:
        record.wheel.remove("b" if item == "a" else "a")

    record = Record(remove_the_other)
    record.wheel.schedule("a", 1.0)
    record.wheel.schedule("b", 1.0)
    record.turn(2.0)
    assert len(record.due) == 1


def test_a_full_slot_is_looked_at_in_several_turns() -> None:
    record = Record(lambda _item: time.sleep(TURN_SECONDS / CHECK_CLOCK_EVERY * 2))
    names = [f"{nth}" for nth in range(4 * CHECK_CLOCK_EVERY)]
    for name in names:
        record.wheel.schedule(name, 1.0)
    assert record.wheel.turn(2.0)
    assert 0 < len(record.due) < len(names)
    record.turn(2.0)
    assert sorted(record.due) == sorted(names)


def test_a_time_that_has_passed_is_due_at_the_next_turn() -> None:
    record = Record()
    record.turn(10.0)
    record.wheel.schedule("a", 1.0)
    record.turn(10.0 + SLOT_SECONDS + ALMOST)
    assert record.due == ["a"]


def test_a_turn_after_a_long_sleep_finds_everything_in_order() -> None:
    record = Record()
    for when, item in ((3.0, "c"), (1.0, "a"), (2.0, "b")):
        record.wheel.schedule(item, when)
    record.turn(3_600.0)
    assert record.due == ["a", "b", "c"]


def test_an_item_left_nowhere_keeps_no_slot() -> None:
    record = Record()
    for when in range(1, 100):
        record.wheel.schedule("a", float(when))
    record.wheel.remove("a")
    assert (record.wheel._slots, record.wheel._slot_of) == ({}, {})


def test_an_error_costs_no_other_its_time() -> None:
    def fail_once(_item: str) -> None:
        if len(record.due) == 1:
            raise RuntimeError

    record = Record(fail_once)
    for item in "abc":
        record.wheel.schedule(item, 1.0)
    with pytest.raises(RuntimeError):
        record.turn(2.0)
    record.turn(2.0)
    assert sorted(record.due) == ["a", "b", "c"]


async def test_begun_again_it_goes_on_where_it_ended() -> None:
    record = Record()
    record.turn(1.0)
    record.wheel.schedule("a", 2.0)
    async with in_background(record.wheel.run()):
        await until(lambda: record.due == ["a"])


async def test_after_it_was_stopped_what_came_meanwhile_counts_first() -> None:
    """As for a process that was frozen: everybody's time is over, and their messages are there."""
    record, loop = Record(), asyncio.get_running_loop()
    record.wheel.schedule("a", loop.time() + 0.3)
    record.wheel.schedule("b", loop.time() + 0.3)
    async with in_background(record.wheel.run()):
        await asyncio.sleep(0)
        time.sleep(1.5)  # noqa: ASYNC251 - nothing else runs meanwhile
        loop.call_later(0.2, record.wheel.remove, "a")
        await until(lambda: bool(record.due))
    assert record.due == ["b"]


async def test_it_runs_until_it_is_cancelled() -> None:
    record = Record()
    async with in_background(record.wheel.run()):
        record.wheel.schedule("a", asyncio.get_running_loop().time())
        await until(lambda: record.due == ["a"])
