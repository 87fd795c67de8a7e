"""Whoever goes on without a pause, and when others have their turn."""

import asyncio

import pytest

from app.core.stints import STINT_SECONDS, Stint
from tests.waiting import never_waiting


class Clock:
    """Set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def work(stint: Stint, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    await stint.go_on()


async def test_what_takes_a_moment_is_done_in_one_turn(clock: Clock) -> None:
    stint = Stint(clock)
    with never_waiting():
        for _ in range(10):
            await work(stint, clock, STINT_SECONDS / 10)


async def test_others_have_their_turn_each_time_that_much_was_done(clock: Clock) -> None:
    stint = Stint(clock)
    turns: list[int] = []
    await stint.go_on()
    for piece in range(12):
        asyncio.get_running_loop().call_soon(turns.append, piece)
        await work(stint, clock, STINT_SECONDS * 0.4)
    assert turns == list(range(12))
    with never_waiting():
        await stint.go_on()


async def test_a_pause_of_its_own_is_one(clock: Clock) -> None:
    stint = Stint(clock)
    await stint.go_on()
    for _ in range(3):
        clock.now += 10
        await asyncio.sleep(0)
        with never_waiting():
            await stint.go_on()
            await work(stint, clock, STINT_SECONDS * 0.9)


async def test_a_piece_that_takes_long_is_enough(clock: Clock) -> None:
    stint = Stint(clock)
    turns: list[int] = []
    await stint.go_on()
    for piece in range(3):
        asyncio.get_running_loop().call_soon(turns.append, piece)
        await work(stint, clock, STINT_SECONDS * 2)
        assert turns == list(range(piece + 1))
