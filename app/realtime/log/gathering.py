"""Reads that many wait for, done once: thousands of clients may return at the same moment."""

import asyncio

from app.core.single_flight import retrieve
from app.realtime.log.reader import Extent, LogReader, Reason

Answer = tuple[str, Extent]


class Gathered:
    """Reads how far channels reach; who asks while a read is under way shares the next one.

    `reason` is what the reads are counted under.
    """

    def __init__(self, reader: LogReader, reason: Reason) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self._reader = reader
        self._reason = reason
        self._wanted: dict[str, asyncio.Future[Answer]] = {}

    async def read(self, channel: str) -> Answer:
        """The epoch and the extent, read after this was called. Raises what the reader raises."""
        answer = self._wanted.get(channel)
        if answer is None:
            answer = self._wanted[channel] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(retrieve)
            # A task that has ended is still there until its callbacks run: nobody serves then.
            if all(task.done() for task in self.tasks):
                task = asyncio.create_task(self._run(), name="extents of the log")
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
        return await asyncio.shield(answer)

    async def _run(self) -> None:
        wanted: dict[str, asyncio.Future[Answer]] = {}
        try:
            while self._wanted:
                await asyncio.sleep(0)  # who else asks in this turn of the loop
                wanted, self._wanted = self._wanted, {}
                await self._answer(wanted)
        finally:  # cancelled: nobody is to wait for what does not come
            left, self._wanted = self._wanted, {}
            for answer in (*wanted.values(), *left.values()):
                answer.cancel()

    async def _answer(self, wanted: "dict[str, asyncio.Future[Answer]]") -> None:
        try:
            epoch, extents = await self._reader.extents(list(wanted), reason=self._reason)
        except Exception as error:  # noqa: BLE001 - it goes to whoever asked
            for answer in wanted.values():
                answer.set_exception(error)
        else:
            for channel, answer in wanted.items():
                answer.set_result((epoch, extents[channel]))
