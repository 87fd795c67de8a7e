"""One answer for all who ask the same at the same time, so that no flood of them costs more."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedAnswer(Generic[T]):
    """`make` runs once at a time, and rests for so many seconds in between.

    Nobody gets an answer that was begun before they asked: who comes while one is made shares the
    next one with all others who do. Where it raises, who waited asks for themselves.
    """

    def __init__(self, make: Callable[[], Awaitable[T]], rest_seconds: float) -> None:
        self._make = make
        self._rest = rest_seconds
        self._turn = asyncio.Lock()
        self._begun = 0
        self._rested_at = -inf
        self._made: tuple[int, T] | None = None
        """The last one, and which it was."""

    async def get(self) -> T:
        begun_before = self._begun
        async with self._turn:
            if self._made is not None and self._made[0] > begun_before:
                return self._made[1]
            await asyncio.sleep(self._rested_at - time.monotonic())
            self._begun += 1
            try:
                answer = await self._make()
            finally:
                self._rested_at = time.monotonic() + self._rest
            self._made = self._begun, answer
            return answer
