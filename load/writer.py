"""An open loop of writes: one is due every 1/rate seconds, whether or not earlier ones are done."""

import asyncio
import time
from collections import Counter

from load.histogram import Histogram
from load.http import FAILURES, Answer
from load.interruption import pause
from load.orders import OpenOrder, OrderBook
from load.target import Account, Target

IN_FLIGHT = 256
"""A write that comes due while so many are waiting for their answers is not sent but counted."""


class Writer:
    """Orders are placed by `owner` and moved on by `staff`; each accepted write is one event."""

    def __init__(
        self, target: Target, *, owner: Account, staff: Account, moves: bool = True
    ) -> None:
        self.accepted = 0
        self.failed: Counter[str] = Counter()
        """Writes without a success, by HTTP status or kind of error; and those that were accepted
        with an answer by which the order cannot be moved on.
        """
        self._target = target
        self._owner = owner
        self._staff = staff
        self.times = Histogram()
        """Of the accepted writes, from request to answer; replaced by whoever begins to measure."""
        self._book = OrderBook(moves=moves)
        self._flights: set[asyncio.Task[None]] = set()

    @property
    def failures(self) -> str:
        """For a line of text: `12 HTTP 429, 3 ReadTimeout`."""
        return ", ".join(f"{count:,} {what}" for what, count in self.failed.most_common())

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        """Write `rate` a second, for `seconds` or until `stop`. Does not await the answers."""
        clock = asyncio.get_running_loop().time
        begin = due = clock()
        while due < begin + seconds and not stop.is_set():
            self._launch()
            due += 1 / rate
            await pause(min(due, begin + seconds) - clock(), stop)

    async def run_closed(self, writers: int, seconds: float, stop: asyncio.Event) -> None:
        """So many writers, each of whom writes again as soon as it has its answer."""
        clock = asyncio.get_running_loop().time
        end = clock() + seconds

        async def write() -> None:
            while clock() < end and not stop.is_set():
                await self._write()

        await asyncio.gather(*(write() for _ in range(writers)))

    async def settle(self) -> None:
        """Until every write has its answer, or has failed by its own time limit."""
        await asyncio.gather(*self._flights)

    def _launch(self) -> None:
        if len(self._flights) >= IN_FLIGHT:
            self.failed["not sent, too many in flight"] += 1
            return
        task = asyncio.create_task(self._write())
        self._flights.add(task)
        task.add_done_callback(self._flights.discard)

    async def _write(self) -> None:
        order = self._book.next_move()
        times, begin = self.times, time.perf_counter_ns()
        try:
            answer = await (self._move(order) if order else self._create())
        except FAILURES as error:
            self.failed[type(error).__name__] += 1
            return
        if not answer.is_success:
            self.failed[f"HTTP {answer.status_code}"] += 1
            return
        self.accepted += 1
        times.record((time.perf_counter_ns() - begin) // 1000)
        try:
            order = order or OpenOrder(answer.json()["id"], "")
            order.etag = answer.headers["etag"]
        except (KeyError, ValueError):  # written all the same, and its event is to come
            self.failed["without id or ETag, not moved on"] += 1
        else:
            self._book.put_back(order)

    async def _create(self) -> Answer:
        return await self._target.create(self._owner, self._book.next_body())

    async def _move(self, order: OpenOrder) -> Answer:
        step = order.steps.popleft()
        return await self._target.move(self._staff, order.id, order.etag, step)
