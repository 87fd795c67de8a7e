"""One measured stretch: warm up, write, wait for the last delivery, add up."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from load.errors import LoadError
from load.fleet import Fleet
from load.interruption import Interrupted
from load.messages import PROGRESS_SECONDS, Tally
from load.report import Result, milliseconds
from load.scenario import Bench
from load.series import Series, throughput
from load.source import Source
from load.usage import Meter, Usage

LATE_SECONDS = 1.0
"""Repeats come late, when a worker looks at the log: so long everybody listens on."""


@dataclass(frozen=True)
class Measured:
    """`made`: events, in the `asked_seconds` that the warm-up is part of. `seconds`: from the end
    of the warm-up to the last write or, if later, the last receipt; 0.0 if it was not reached.
    """

    rate: float
    asked_seconds: float
    made: int
    tally: Tally
    usage: Usage
    seconds: float
    interrupted: bool
    cpu_seconds: float
    """Of the server's own processes, from the end of the warm-up to the last write."""
    series: Series = ()
    failures: str = ""
    """The source's, so far."""

    @property
    def cost(self) -> dict[str, float]:
        """CPU of the server's own processes for a delivery, µs, as a row of the report has it.

        Empty where nothing was delivered, or the server is not ours to see.
        """
        deliveries = self.tally.latencies.count
        if not deliveries or self.usage.server is None:
            return {}
        return {"server_us_per_delivery": round(self.cpu_seconds / deliveries * 1_000_000, 2)}

    @property
    def told_cost(self) -> str:
        """For a line of text."""
        return " ".join(f"{each} µs each" for each in self.cost.values()) or "measured"

    def result(self, scenario: str, bench: Bench, **extra: float) -> Result:
        latencies = self.tally.latencies
        rate = latencies.count / self.seconds if self.seconds else 0.0
        return Result(
            peer=bench.peer,
            scenario=scenario,
            connections=bench.options.connections,
            rate=self.rate,
            deliveries_per_s=round(rate, 1),
            p50_ms=milliseconds(latencies, 50),
            p90_ms=milliseconds(latencies, 90),
            p99_ms=milliseconds(latencies, 99),
            max_ms=milliseconds(latencies, 100),
            lost=self.tally.lost,
            duplicated=self.tally.duplicated,
            out_of_order=self.tally.out_of_order,
            client_cpu=self.usage.client,
            server_cpu=self.usage.server,
            server_rss_mb=self.usage.server_rss,
            ended=self.tally.ended.total(),
            missed=self.tally.missed,
            extra={**self.usage.load, **extra},
            latencies=latencies,
            series=self.series,
        )

    def remarks(self, scenario: str) -> Iterator[str]:
        """What the figures alone would not say."""
        if self.interrupted:
            yield f"{scenario} was cut short: {self.seconds:.1f} s were measured"
        if self.failures:
            yield f"writes without success: {self.failures}"
        yield from remarks_on(scenario, self.tally.ended, self.usage)
        for how, count in sorted(self.tally.returned.items()):
            yield f"{scenario}: {count:,} that read nothing were closed and came back: {how}"
        if self.tally.missed:
            yield f"{scenario}: {self.tally.missed:,} deliveries were missed by those that ended"
        if self.tally.latencies.early:
            early = self.tally.latencies.early
            yield f"{scenario}: {early:,} deliveries came before their `at`: two clocks"


def remarks_on(scenario: str, ended: Counter[str], usage: Usage) -> Iterator[str]:
    """Also where nothing is delivered."""
    for how, count in sorted(ended.items()):
        yield f"{scenario}: {count:,} connections ended early: {how}"
    if usage.client_bound:
        yield f"{scenario} is client-bound: the load's own cores were over 90 % busy"
    if usage.machine_bound:
        yield f"{scenario}: the machine was over 90 % busy: the load may be what was measured"


def keep(bench: Bench, scenario: str, measured: Measured, **extra: float) -> None:
    """Add it to what was found so far, and what is to be said about it. A target that was there for
    others has lost what those missed whom it cut off.

    Raises LoadError when nobody was left: what was made after that reached none, and so lost none.
    """
    if not _ended_all(bench, measured.tally.ended):
        measured.tally.lose_what_was_missed()
    add_row(bench, scenario, measured, **extra)
    expect_some_left(bench, measured.tally.ended)


def expect_some_left(bench: Bench, ended: Counter[str]) -> None:
    """Raises LoadError."""
    if _ended_all(bench, ended):
        raise LoadError.unreachable("the target ended all connections")


def _ended_all(bench: Bench, ended: Counter[str]) -> bool:
    return ended.total() >= bench.options.connections


def add_row(bench: Bench, scenario: str, measured: Measured, **extra: float) -> None:
    """As `keep`, where it is no surprise that connections end."""
    add_result(bench, measured.result(scenario, bench, **extra), measured.remarks(scenario))


def add_result(bench: Bench, result: Result, remarks: Iterable[str]) -> None:
    """Each remark is told once."""
    outcome = bench.outcome
    whose = f"{bench.peer}: " if outcome.compared else ""
    notes = [whose + remark for remark in remarks]
    told_before = set(outcome.notes)
    new = [note for note in notes if note not in told_before]
    outcome.add(result, *new)


def nothing() -> None:
    pass


async def measure(  # noqa: PLR0913 - what, on whom, from where; how much, how long, and then
    bench: Bench,
    fleet: Fleet,
    source: Source,
    *,
    rate: float,
    seconds: float,
    begun: Callable[[], object] = nothing,
    written: Callable[[], None] = nothing,
) -> Measured:
    """`seconds` at `rate`, after the warm-up; `begun` is called between the two, `written` after
    the last write. Ctrl-C ends the writing, not the rest.

    Raises LoadError when nothing could be made, or the token ends before; Interrupted when Ctrl-C
    came during the warm-up, unless there is a fault to tell.
    """
    options = bench.options
    expect_token_to_last(bench, options.warmup + seconds + options.drain + LATE_SECONDS)
    begun_at = await source.head()
    since = _now() + int(options.warmup * 1_000_000)
    fleet.measure(since)
    with bench.interruption.graceful() as stop:
        async with bench.screen.bar(options.warmup + seconds, lambda: _news(fleet)):
            meter = Meter([os.getpid(), *fleet.pids], bench.server_pid)
            await source.run(rate, options.warmup, stop)
            if not (unmeasured := stop.is_set()):
                begun()
                meter = Meter([os.getpid(), *fleet.pids], bench.server_pid)
            await source.run(rate, seconds, stop)
            usage, cpu, ended = meter.read(), meter.cpu_seconds(), _now()
            written()
        until = await arrive(source, fleet.complete_to, options.drain)
        interrupted = stop.is_set()
    tally = await fleet.tally(until)
    if unmeasured and not tally.faults:
        raise Interrupted
    last = max(since, ended, tally.last)
    return Measured(
        rate=rate,
        asked_seconds=options.warmup + seconds,
        made=until - begun_at,
        tally=tally,
        usage=usage,
        seconds=(last - since) / 1_000_000,
        interrupted=interrupted,
        cpu_seconds=cpu,
        series=throughput(fleet.histories, since / 1_000_000, last / 1_000_000),
        failures=source.failures,
    )


def expect_token_to_last(bench: Bench, seconds: float) -> None:
    """Sockets are closed, and writes refused, when it ends. Raises LoadError."""
    left = max(0.0, bench.until - time.monotonic())
    if seconds > left:
        raise LoadError.refused(
            f"the token lasts {left:.0f} s more, the next measurement may take {seconds:g} s"
        )


async def arrive(source: Source, complete_to: Callable[[int], list[int]], seconds: float) -> int:
    """The last offset, once everybody has had the time for it, see `drain`.

    A second look finds what had no number yet at the first, see `last_offset`.
    """
    until = await source.settle(seconds)
    await drain(complete_to, until, seconds)
    last = max(until, await source.settle(seconds))
    if last > until:
        await drain(complete_to, last, seconds)
    return last


async def drain(complete_to: Callable[[int], list[int]], until: int, seconds: float) -> None:
    """Until all have everything, or nothing more came to anybody for `seconds`.

    `complete_to` is that of a Fleet.
    """
    furthest, since = -1, time.monotonic()
    while min(complete := complete_to(until)) < until:
        if sum(complete) > furthest:
            furthest, since = sum(complete), time.monotonic()
        elif time.monotonic() - since > seconds:
            return
        await asyncio.sleep(PROGRESS_SECONDS)
    await asyncio.sleep(LATE_SECONDS)


def _now() -> int:
    """Microseconds since 1970, the unit of `at`."""
    return time.time_ns() // 1000


def _news(fleet: Fleet) -> str:
    return f"{fleet.deliveries:,} deliveries"
