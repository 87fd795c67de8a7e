"""POST /orders as fast as answers come, with recording and relay and without, by turns."""

import asyncio
import os
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory
from typing import Self

from app.embedded import Services
from load.errors import LoadError
from load.histogram import Histogram
from load.measurement import add_result, remarks_on
from load.messages import PROGRESS_SECONDS
from load.process import free_port, listening
from load.quantities import count
from load.report import Result, milliseconds
from load.scenario import Bench, Scenario
from load.server import environment, own_services, prepare, relayed
from load.target import Account, Target
from load.usage import Meter, Usage
from load.writer import Writer

STAFF = ("staff@tandem.example", "tandem-demo")


async def play(bench: Bench) -> None:
    """Nobody listens, so the figures are those of the writes, and a loss is an accepted one without
    an offset. Both servers share one database.
    """
    with own_services() as services, TemporaryDirectory(prefix="tandem-load-") as data_dir:
        variables = environment(os.environ, data_dir, services)
        await prepare(variables)
        async with (
            _server(variables, services, "on") as with_it,
            _server(variables, services, "off") as without,
        ):
            await compare(bench, with_it, without)


class Writers:
    """Who write to one of the two servers. `log`: of its events since before the first write."""

    def __init__(self, writer: Writer, pid: int, log: "Log") -> None:
        self.rates: list[float] = []
        self.usages: list[Usage] = []
        self._writer = writer
        self._pid = pid
        self._log = log
        self._times: list[Histogram] = []

    async def write(self, writers: int, seconds: float, stop: asyncio.Event) -> None:
        meter, accepted = Meter([os.getpid()], self._pid), self._writer.accepted
        self._writer.times = Histogram()
        begin = time.monotonic()
        await self._writer.run_closed(writers, seconds, stop)
        elapsed = time.monotonic() - begin  # up to the last answer, which comes after `seconds`
        self.usages.append(meter.read())
        self.rates.append((self._writer.accepted - accepted) / elapsed)
        self._times.append(self._writer.times)

    def keep(self, rounds: int) -> None:
        """Only the first so many."""
        del self.rates[rounds:], self._times[rounds:], self.usages[rounds:]

    @property
    def failures(self) -> str:
        return self._writer.failures

    async def lost(self, seconds: float) -> int:
        """Accepted writes that have no offset after so many seconds: they were not recorded."""
        return await self._log.lacks(self._writer.accepted, seconds)

    def add(self, name: str, bench: Bench, *, lost: int = 0, **extra: float) -> None:
        """What was found, and what is to be said about it."""
        usage = usage_of(self.usages)
        figures = {**self.figures, **extra}
        row = Result.undelivered(bench.peer, name, usage, figures, lost=lost)
        add_result(bench, row, remarks_on(name, Counter(), usage))

    @property
    def figures(self) -> dict[str, float]:
        times = Histogram()
        for each in self._times:
            times.merge(each)
        return {
            "requests_per_s": round(median(self.rates), 1),
            "request_p50_ms": milliseconds(times, 50) or 0.0,
            "request_p99_ms": milliseconds(times, 99) or 0.0,
        }


def usage_of(rounds: Sequence[Usage]) -> Usage:
    """The server's of the median round; the load's and the machine's of the busiest."""
    load = [each.load_cores for each in rounds if each.load_cores is not None]
    machine = [each.machine_cores for each in rounds if each.machine_cores is not None]
    return Usage(
        client=max(each.client for each in rounds),
        server=round(median(each.server or 0.0 for each in rounds), 3),
        load_cores=max(load, default=None),
        machine_cores=max(machine, default=None),
    )


@dataclass(frozen=True)
class Log:
    """The channel `orders`, from `begun_at` on."""

    target: Target
    staff: Account
    begun_at: int

    @classmethod
    async def of(cls, target: Target, staff: Account) -> Self:
        return cls(target, staff, await target.head(staff))

    async def lacks(self, events: int, seconds: float) -> int:
        """How many of so many it does not hold, after at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while await self._length() < events:  # noqa: ASYNC110 - a head is asked for
                    await asyncio.sleep(PROGRESS_SECONDS)
        return max(0, events - await self._length())

    async def _length(self) -> int:
        return await self.target.head(self.staff) - self.begun_at


async def compare(bench: Bench, with_it: Writers, without: Writers) -> None:
    """Adds a row for both, also where losses could not be looked for; raises LoadError when the
    unrecorded server accepted nothing.
    """
    options = bench.options
    with bench.interruption.graceful() as stop:
        for nth in range(options.own.rounds):
            for each in (with_it, without) if nth % 2 else (without, with_it):
                await each.write(options.own.writers, options.duration, stop)
            if stop.is_set():
                _keep_pairs(nth, with_it, without)
                break
    share = round(share_of(with_it, without), 3)
    failures = {each.failures for each in (with_it, without)} - {""}
    lost = None
    try:
        lost = await with_it.lost(options.drain)
    finally:
        with_it.add("recorded", bench, lost=lost or 0, share_of_unrecorded=share)
        without.add("unrecorded", bench)
        bench.outcome.notes += [f"writes without success: {each}" for each in failures]
        if lost is None:
            bench.outcome.notes.append("recorded: it is not known whether any event is lost")


def share_of(with_it: Writers, without: Writers) -> float:
    """The median of the pairs; raises LoadError where there is nothing to have a share of."""
    if not all(without.rates):
        why = without.failures or "no answer came in time"
        raise LoadError.unreachable(f"the unrecorded server accepted nothing in a round: {why}")
    pairs = zip(with_it.rates, without.rates, strict=True)
    return median(one / other for one, other in pairs)


def _keep_pairs(count: int, *both: Writers) -> None:
    """The last was cut short. Without any there is nothing to report."""
    if count == 0:
        raise asyncio.CancelledError
    for each in both:
        each.keep(count)


@asynccontextmanager
async def _server(
    variables: dict[str, str], services: Services, recording: str
) -> AsyncIterator[Writers]:
    """Warm: whoever writes has written already."""
    port = free_port()
    command = [sys.executable, "-m", "load.plain_server", str(port), recording]
    async with (
        listening(command, port, variables) as process,
        Target(f"http://127.0.0.1:{port}") as target,
    ):
        staff = await target.sign_in(*STAFF)
        owner = await target.register_customer()
        await relayed(services)  # what the demo data tell is none of the writes
        log = await Log.of(target, staff)
        writer = Writer(target, owner=owner, staff=staff, moves=False)
        await writer.run_closed(8, 1.0, asyncio.Event())
        yield Writers(writer, process.pid, log)


def add_flags(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("recording").add_argument
    add("--writers", type=count, default=8, help="who write at once (default: %(default)s)")
    add("--rounds", type=count, default=5, help="each of both (default: %(default)s)")


SCENARIO = Scenario(
    summary=__doc__ or "",
    play_alone=play,
    add_flags=add_flags,
    defaults={"duration": 2.0},
    unheeded=frozenset(
        {"url", "email", "password", "workers"} | {"connections", "rate", "warmup", "processes"}
    ),
)
