"""The client processes, seen from the command: started, told when to measure, and added up.

Connections are spread over processes so that reading one does not wait for reading all others.
"""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from load.errors import Exit, LoadError
from load.messages import PROGRESS_SECONDS, Job, Progress, Tally, decode, encode
from load.series import History

ROOT = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-m", "load.reader")
_LINE_LIMIT = 1 << 22
_ANSWER_SECONDS = 30


class Reader:
    """One client process. Its stderr is ours. `here`: it has started; `ready`: all it was told to
    open are subscribed.
    """

    def __init__(self, process: Process) -> None:
        self.progress = Progress()
        self.history: list[tuple[float, int]] = []
        """See `series`; since the last `measure`."""
        self._process = process
        loop = asyncio.get_running_loop()
        self.here: asyncio.Future[None] = loop.create_future()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.tally: asyncio.Future[Tally] = loop.create_future()
        self._failure: LoadError | None = None
        self._returned: asyncio.Future[float] = loop.create_future()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, command: Sequence[str] = COMMAND) -> Self:
        """In a session of its own: Ctrl-C is for the command, which still wants the tally."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
            limit=_LINE_LIMIT,
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, kind: str, body: Any = None) -> None:
        cast("asyncio.StreamWriter", self._process.stdin).write(encode(kind, body))

    async def account(self, until: int) -> Tally:
        self.tally = asyncio.get_running_loop().create_future()
        if self._failure is not None:
            raise self._failure
        self.tell("tally", until)
        return await self.tally

    async def returned(self) -> float:
        """Seconds that a storm took."""
        self._returned = asyncio.get_running_loop().create_future()
        return await self._returned

    async def stop(self) -> None:
        """At once: a client process has nothing to lose."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        await self._listening
        await self._process.wait()

    async def _listen(self) -> None:
        async for line in cast("asyncio.StreamReader", self._process.stdout):
            self._hear(*decode(line))
        self._fail(LoadError.unreachable("a client process ended early"))

    def _hear(self, kind: str, body: Any) -> None:
        if kind == "progress":
            self.progress = Progress(**body)
            self.history.append((time.time(), self.progress.deliveries))
        elif kind == "here":
            _answer(self.here, None)
        elif kind == "ready":
            _answer(self.ready, None)
        elif kind == "returned":
            _answer(self._returned, body)
        elif kind == "tally":
            _answer(self.tally, Tally.from_json(body))
        elif kind == "failed":
            self._fail(LoadError(body[1], Exit(body[0])))

    def _fail(self, error: LoadError) -> None:
        self._failure = self._failure or error
        for future in (self.here, self.ready, self.tally, self._returned):
            if not future.done():
                future.set_exception(error)
                future.exception()  # seen: whoever waits for the other one is told already


def _answer(future: asyncio.Future[Any], value: Any) -> None:
    """Unless nobody waits for it any more: who gave up has cancelled it."""
    if not future.done():
        future.set_result(value)


class Fleet:
    """Use as an asynchronous context: entered when all connections are subscribed.

    That took `connected_in` seconds: all processes begin together, when the last of them is here,
    and `starting` was told their ids.
    """

    def __init__(
        self,
        job: Job,
        processes: int,
        *,
        starting: Callable[[list[int]], object] = list,
        start: Callable[[], Awaitable[Reader]] = Reader.start,
    ) -> None:
        self._jobs = shares(job, processes)
        self._starting = starting
        self._start = start
        self._readers: list[Reader] = []
        self.connected_in = 0.0

    async def __aenter__(self) -> Self:
        try:
            for _ in self._jobs:
                self._readers.append(await self._start())
            await asyncio.gather(*(reader.here for reader in self._readers))
            self._starting(self.pids)
            begin = time.monotonic()
            for reader, job in zip(self._readers, self._jobs, strict=True):
                reader.tell("open", job)
            await asyncio.gather(*(reader.ready for reader in self._readers))
            self.connected_in = time.monotonic() - begin
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    async def reopen(self) -> int:
        """All connections anew; the offset that each of them has now."""
        await self._stop()
        self._readers.clear()
        await self.__aenter__()
        while not all(self.histories):  # noqa: ASYNC110 - told by lines
            await asyncio.sleep(PROGRESS_SECONDS)
        return min(reader.progress.complete_to for reader in self._readers)

    @property
    def pids(self) -> list[int]:
        return [reader.pid for reader in self._readers]

    @property
    def deliveries(self) -> int:
        return sum(reader.progress.deliveries for reader in self._readers)

    def complete_to(self, until: int) -> list[int]:
        """For each process the offset that all its connections have, at most `until`."""
        return [min(until, reader.progress.complete_to) for reader in self._readers]

    def pause(self, count: int) -> None:
        """So many connections read nothing more."""
        self._readers[0].tell("pause", count)

    def go_on(self) -> None:
        """They read on."""
        self._readers[0].tell("go on")

    async def storm(self) -> float:
        """All drop their connections at once and come back; seconds until the last is there."""
        for reader in self._readers:
            reader.tell("storm")
        return max(await asyncio.gather(*(reader.returned() for reader in self._readers)))

    def measure(self, since: int) -> None:
        """Time the events that were recorded at `since` (µs since 1970) or later."""
        for reader in self._readers:
            reader.history.clear()
            reader.tell("measure", since)

    @property
    def histories(self) -> list[History]:
        return [reader.history for reader in self._readers]

    async def tally(self, until: int) -> Tally:
        """The accounts of all since the last one, expecting offsets up to `until`."""
        total = Tally()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                accounts = await asyncio.gather(*(one.account(until) for one in self._readers))
        except TimeoutError:
            raise LoadError.unreachable("a client process does not answer") from None
        for each in accounts:
            total.merge(each)
        return total

    async def _stop(self) -> None:
        await asyncio.gather(*(reader.stop() for reader in self._readers))


def shares(job: Job, processes: int) -> list[Job]:
    """`job` cut into at most `processes` nearly equal ones, none without connections."""
    each, more = divmod(job.connections, processes)
    counts = [each + (number < more) for number in range(processes)]
    return [
        replace(job, connections=count, channels=job.channels[nth::processes])
        for nth, count in enumerate(counts)
        if count
    ]
