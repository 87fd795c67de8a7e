"""A loop that is kept busy, and its turns, counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from tests.waiting import in_background


def spin(seconds: float) -> None:
    until_then = perf_counter() + seconds
    while perf_counter() < until_then:
        continue


class Turning:
    """`turn` is another one each time that the loop has turned."""

    def __init__(self) -> None:
        self.turn = 0

    async def count(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turn += 1


@asynccontextmanager
async def counted(turning: Turning) -> AsyncIterator[None]:
    """The turns of the block."""
    async with in_background(turning.count()):
        yield
