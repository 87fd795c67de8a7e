"""Those who look around: lists and single orders, one request every 1/rate seconds."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from load.errors import LoadError
from load.target import Account, Target

OPENED = 5
"""So many orders of a list are looked at before the next list."""


class Reads:
    """An open loop: each is sent when it is due, whether or not earlier ones were answered."""

    def __init__(self, target: Target, staff: Account) -> None:
        self.sent = 0
        self._failed = 0
        self._last_failure = ""
        self._target = target
        self._staff = staff
        self._listed: deque[str] = deque()

    @property
    def failures(self) -> str:
        """For a line of text; empty if there were none."""
        return f"{self._failed:,}, the last: {self._last_failure}" if self._failed else ""

    @asynccontextmanager
    async def running(self, rate: float) -> AsyncIterator[None]:
        """`rate` a second until the end of the block, which waits for no answer."""
        reading = asyncio.create_task(self._run(rate))
        try:
            yield
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _run(self, rate: float) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        async with asyncio.TaskGroup() as reading:
            while True:
                reading.create_task(self._read())
                due += 1 / rate
                await asyncio.sleep(max(0.0, due - clock()))

    async def _read(self) -> None:
        self.sent += 1
        try:
            if self._listed:
                await self._target.get_order(self._staff, self._listed.popleft())
            else:
                self._listed.extend((await self._target.list_orders(self._staff))[:OPENED])
        except LoadError as error:
            self._failed += 1
            self._last_failure = str(error)
