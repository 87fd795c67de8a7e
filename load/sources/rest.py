"""Real writes: orders placed and moved on over REST, as people do it."""

import asyncio
from contextlib import suppress

from load.errors import LoadError
from load.histogram import Histogram
from load.messages import PROGRESS_SECONDS
from load.target import Account, Target
from load.writer import Writer


class Rest:
    """A Source of channel `orders`; raises LoadError when not one write was accepted."""

    def __init__(
        self, target: Target, *, owner: Account, staff: Account, moves: bool = True
    ) -> None:
        self._target = target
        self._staff = staff
        self._writer = Writer(target, owner=owner, staff=staff, moves=moves)
        self._begun_at: int | None = None

    @property
    def failures(self) -> str:
        return self._writer.failures

    async def head(self) -> int:
        head = await self._target.head(self._staff)
        if self._begun_at is None:
            self._begun_at = head
        return head

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        if self._begun_at is None:
            await self.head()
        await self._writer.run(rate, seconds, stop)

    async def run_closed(self, writers: int, seconds: float, stop: asyncio.Event) -> None:
        """As fast as so many writers get their answers."""
        await self._writer.run_closed(writers, seconds, stop)

    def take_times(self) -> Histogram:
        """How long the accepted writes took that were begun since the last call."""
        times, self._writer.times = self._writer.times, Histogram()
        return times

    async def settle(self, seconds: float) -> int:
        """When every write has its answer, and every accepted one its number."""
        writer = self._writer
        await writer.settle()
        if writer.accepted == 0 and writer.failures:
            raise LoadError.unreachable(f"not one write was accepted: {writer.failures}")
        accepted = (self._begun_at or 0) + writer.accepted
        return await last_offset(self._target, self._staff, accepted, seconds)


async def last_offset(target: Target, staff: Account, accepted: int, seconds: float) -> int:
    """The head of `orders` once it rests, or after `seconds`.

    It is above `accepted` when others write, too, or when a write was done whose answer did not
    come: then the last accepted ones may still have no number. Never below it: an event that has no
    number after `seconds` is a loss, and so is what a target that no longer answers had accepted.
    """
    before, offset = -1, -1
    with suppress(TimeoutError, LoadError):
        async with asyncio.timeout(seconds):
            offset = await target.head(staff)
            while offset < accepted or offset != before:
                await asyncio.sleep(PROGRESS_SECONDS)
                before, offset = offset, await target.head(staff)
    return max(accepted, offset)
