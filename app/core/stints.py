"""Whoever has much to do and never has to wait for it lets others have their turn in between."""

import asyncio
from collections.abc import Callable
from time import perf_counter

STINT_SECONDS = 0.002


class Stint:
    """What one task does within one turn of the loop. A piece that waits by itself ends it, too.

    `clock` gives seconds.
    """

    __slots__ = ("_clock", "_since")

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._since: float | None = None

    async def go_on(self) -> None:
        """Between two pieces of work; gives way once those of this turn have taken long."""
        if self._since is not None and self._clock() - self._since > STINT_SECONDS:
            await asyncio.sleep(0)
        if self._since is None:
            self._since = self._clock()
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        """The loop has turned."""
        self._since = None
