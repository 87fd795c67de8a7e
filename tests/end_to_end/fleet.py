"""Crowds of clients in processes of their own, so that reading one crowd delays nobody else."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from typing import Any, cast

from tests.end_to_end.accounts import Job, Progress, Tally
from tests.end_to_end.lines import encode, read_line
from tests.waiting import until

LINE_LIMIT = 1 << 24
READY_SECONDS = 60.0
ANSWER_SECONDS = 30.0
STANDSTILL_SECONDS = 10.0
LEAST_URGENT = ("nice", "-n", "19")
LATE_SECONDS = 1.0
"""Repeats come late, when a worker looks at the log: so long everybody listens on."""


class Crowd:
    """One process of clients, as the test sees it."""

    def __init__(self, process: Process) -> None:
        self.progress = Progress()
        self._process = process
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())

    def tell(self, command: str, value: Any = None) -> None:
        cast("asyncio.StreamWriter", self._process.stdin).write(encode(command, value))

    async def ask(self, question: str, value: Any = None) -> Any:
        self.tell(question, value)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._answers.get()

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._listening

    async def _listen(self) -> None:
        output = cast("asyncio.StreamReader", self._process.stdout)
        while (line := await read_line(output)) is not None:
            if line[0] == "progress":
                self.progress = Progress(**line[1])
            else:
                self._answers.put_nowait(line[1])


class Fleet:
    """Some crowds with one job."""

    def __init__(self, crowds: list[Crowd], connections: int) -> None:
        self.connections = connections
        self._crowds = crowds

    @property
    def subscribed(self) -> int:
        return sum(crowd.progress.subscribed for crowd in self._crowds)

    @property
    def unsubscribed(self) -> int:
        return sum(crowd.progress.unsubscribed for crowd in self._crowds)

    @property
    def returns(self) -> int:
        """How often a client that had been subscribed was so again."""
        return sum(crowd.progress.returns for crowd in self._crowds)

    @property
    def gone(self) -> int:
        return sum(crowd.progress.gone for crowd in self._crowds)

    @property
    def complete_to(self) -> int:
        return min(crowd.progress.complete_to for crowd in self._crowds)

    async def all_subscribed(self, seconds: float = READY_SECONDS) -> None:
        await until(lambda: self.subscribed == self.connections, seconds)

    def measure(self, window: str) -> None:
        """From now on events count for this stretch of time; "" for none."""
        self._tell("measure", [window, time.time_ns() // 1000])

    def cut_all(self, within: float) -> None:
        """Everybody drops at once, and comes back at a random moment of the time given."""
        self._tell("cut", [self.connections, within])

    def cuts(self, *, every: float, away: float) -> None:
        """Cut each client about every so many seconds, for 0 to `away`."""
        self._tell("cuts", [every, away])

    def end_cuts(self) -> None:
        self._tell("cuts", None)

    def pause(self) -> None:
        """All stop reading."""
        self._tell("pause")

    def resume(self) -> None:
        self._tell("resume")

    def subscribe(self) -> None:
        """Those whose subscription was ended subscribe again, from the head."""
        self._tell("subscribe")

    def leave(self, each: int) -> None:
        """So many of each crowd leave for good."""
        self._tell("leave", each)

    async def ports(self) -> list[int]:
        """The clients' ends of all open connections."""
        found = [await crowd.ask("ports") for crowd in self._crowds]
        return [port for ports in found for port in ports]

    async def tally(self, head: int) -> Tally:
        """The account so far, expecting offsets up to `head`."""
        total = Tally()
        for crowd in self._crowds:
            total.merge(Tally.from_json(await crowd.ask("tally", head)))
        return total

    async def settle(self, head: int) -> Tally:
        """Wait until all are there and have everything, or until nothing moves; the account."""
        seen, since = (-1, -1), time.monotonic()
        while self.complete_to < head or self.subscribed + self.gone < self.connections:
            now = (self.complete_to, self.subscribed)
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > STANDSTILL_SECONDS:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(LATE_SECONDS)
        return await self.tally(head)

    async def until(self, condition: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        await until(condition, seconds)

    def _tell(self, command: str, value: Any = None) -> None:
        for crowd in self._crowds:
            crowd.tell(command, value)


@asynccontextmanager
async def fleet_of(
    job: Job, *, processes: int = 1, gives_way: bool = False
) -> AsyncIterator[Fleet]:
    """`job.connections` clients, spread over processes; all subscribed on entry.

    `gives_way`: they have a core when nobody else wants it, as if they had a machine of their own.
    """
    each, more = divmod(job.connections, processes)
    crowds: list[Crowd] = []
    try:
        for nth in range(processes):
            share = replace(job, connections=each + (nth < more), seed=job.seed * 100 + nth)
            crowds.append(await _start(share, LEAST_URGENT if gives_way else ()))
        fleet = Fleet(crowds, job.connections)
        await fleet.all_subscribed()
        yield fleet
    finally:
        await asyncio.gather(*(crowd.stop() for crowd in crowds))


async def _start(job: Job, prefix: tuple[str, ...]) -> Crowd:
    process = await asyncio.create_subprocess_exec(
        *(*prefix, sys.executable, "-m", "tests.end_to_end.crowd"),
        stdin=PIPE,
        stdout=PIPE,
        limit=LINE_LIMIT,
        start_new_session=True,
    )
    crowd = Crowd(process)
    crowd.tell("open", asdict(job))
    return crowd
