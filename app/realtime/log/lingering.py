"""Channels that nobody uses any more, kept for a while: somebody may come back.

Thousands of clients that are gone at once leave thousands of channels: those whose time is over
are left some at a time, others have their turn in between.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice

logger = logging.getLogger(__name__)

LEFT_AT_ONCE = 100
PAUSE_SECONDS = 0.01


class Lingering:
    """`leave(channels)` is called for LEFT_AT_ONCE at most."""

    def __init__(self, leave: Callable[[list[str]], None]) -> None:
        self._leave = leave
        self._due: dict[str, float] = {}  # by the loop's time, the next one first
        self._sweep: asyncio.Task[None] | None = None
        self._closed = False

    def add(self, channel: str, seconds: float) -> None:
        """To be left after so many seconds, which are as many as for those before."""
        if self._closed:
            return
        self.discard(channel)
        self._due[channel] = asyncio.get_running_loop().time() + seconds
        if self._sweep is None or self._sweep.done():
            self._sweep = asyncio.create_task(self._leave_all(), name="leave channels")

    def discard(self, channel: str) -> None:
        """Somebody uses it."""
        self._due.pop(channel, None)

    async def _leave_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._due:
            wait = next(iter(self._due.values())) - loop.time()
            await asyncio.sleep(max(wait, PAUSE_SECONDS))
            if over := self._take(loop.time()):
                self._leave_some(over)

    def _leave_some(self, channels: list[str]) -> None:
        """No error of one lot keeps the others."""
        try:
            self._leave(channels)
        except Exception:
            logger.exception("leaving channels failed")

    def _take(self, now: float) -> list[str]:
        """Those that are left next."""
        first = islice(self._due.items(), LEFT_AT_ONCE)
        over = [channel for channel, due in first if due <= now]
        for channel in over:
            self.discard(channel)
        return over

    async def aclose(self) -> None:
        """End what is under way; from now on nothing is left any more."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            await asyncio.gather(self._sweep, return_exceptions=True)
