"""POST /orders as fast as answers come, with recording and relay and without, by turns."""

import asyncio
import os
import sys
from argparse import ArgumentParser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from tempfile import TemporaryDirectory

from load.histogram import Histogram
from load.process import free_port, listening
from load.quantities import count
from load.report import Result, milliseconds
from load.scenario import Bench, Scenario
from load.server import environment, own_services, prepare
from load.target import Target
from load.usage import Meter, Usage
from load.writer import Writer

STAFF = ("staff@tandem.example", "tandem-demo")


async def play(bench: Bench) -> None:
    """Nobody listens, so the figures are those of the writes. Both servers share one database."""
    with own_services() as services, TemporaryDirectory(prefix="tandem-load-") as data_dir:
        variables = environment(os.environ, data_dir, services)
        await prepare(variables)
        async with _server(variables, "on") as with_it, _server(variables, "off") as without:
            await _compare(bench, with_it, without)


class Writers:
    """Who write to one of the two servers."""

    def __init__(self, writer: Writer, pid: int) -> None:
        self.rates: list[float] = []
        self._writer = writer
        self._pid = pid
        self._times: list[Histogram] = []
        self._cpu: list[float] = []
        self._client = 0.0
        self._load: float | None = None

    async def write(self, writers: int, seconds: float, stop: asyncio.Event) -> None:
        meter, accepted = Meter([os.getpid()], self._pid), self._writer.accepted
        self._writer.times = Histogram()
        await self._writer.run_closed(writers, seconds, stop)
        usage = meter.read()
        self.rates.append((self._writer.accepted - accepted) / seconds)
        self._times.append(self._writer.times)
        self._cpu.append(usage.server or 0.0)
        self._client = max(self._client, usage.client)
        if usage.load_cores is not None:
            self._load = max(self._load or 0.0, usage.load_cores)

    def keep(self, rounds: int) -> None:
        """Only the first so many."""
        del self.rates[rounds:], self._times[rounds:], self._cpu[rounds:]

    @property
    def failures(self) -> str:
        return self._writer.failures

    def result(self, name: str, bench: Bench, **extra: float) -> Result:
        times = Histogram()
        for each in self._times:
            times.merge(each)
        figures = {
            "requests_per_s": round(median(self.rates), 1),
            "request_p50_ms": milliseconds(times, 50) or 0.0,
            "request_p99_ms": milliseconds(times, 99) or 0.0,
            **extra,
        }
        usage = Usage(self._client, round(median(self._cpu), 3), load_cores=self._load)
        return Result.undelivered(bench.peer, name, usage, figures)


async def _compare(bench: Bench, with_it: Writers, without: Writers) -> None:
    options = bench.options
    with bench.interruption.graceful() as stop:
        for nth in range(options.own.rounds):
            for each in (with_it, without) if nth % 2 else (without, with_it):
                await each.write(options.own.writers, options.duration, stop)
            if stop.is_set():
                _keep_pairs(nth, with_it, without)
                break
    pairs = zip(with_it.rates, without.rates, strict=True)
    share = median(one / other for one, other in pairs)
    failures = {each.failures for each in (with_it, without)} - {""}
    bench.outcome.add(with_it.result("recorded", bench, share_of_unrecorded=round(share, 3)))
    bench.outcome.add(without.result("unrecorded", bench))
    bench.outcome.notes += [f"writes without success: {each}" for each in failures]


def _keep_pairs(count: int, *both: Writers) -> None:
    """The last was cut short. Without any there is nothing to report."""
    if count == 0:
        raise asyncio.CancelledError
    for each in both:
        each.keep(count)


@asynccontextmanager
async def _server(variables: dict[str, str], recording: str) -> AsyncIterator[Writers]:
    """Warm: whoever writes has written already."""
    port = free_port()
    command = [sys.executable, "-m", "load.plain_server", str(port), recording]
    async with (
        listening(command, port, variables) as process,
        Target(f"http://127.0.0.1:{port}") as target,
    ):
        staff = await target.sign_in(*STAFF)
        owner = await target.register_customer()
        writer = Writer(target, owner=owner, staff=staff, moves=False)
        await writer.run_closed(8, 1.0, asyncio.Event())
        yield Writers(writer, process.pid)


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
        {"url", "email", "password", "workers"}
        | {"connections", "rate", "warmup", "drain", "processes"}
    ),
)
