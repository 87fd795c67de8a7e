"""One measured stretch: warm up, write, wait for the last delivery, add up."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from load.errors import LoadError
from load.fleet import Fleet
from load.messages import PROGRESS_SECONDS, Tally
from load.report import Result, milliseconds
from load.scenario import Stage
from load.target import Account, Target
from load.usage import Meter, Usage
from load.writer import Writer

LATE_SECONDS = 1.0
"""Repeats come late, when a worker looks at the log: so long everybody listens on."""


@dataclass(frozen=True)
class Measured:
    """`seconds`: from the end of the warm-up to the last write or, if later, the last receipt."""

    tally: Tally
    usage: Usage
    seconds: float
    interrupted: bool

    def result(self, scenario: str, stage: Stage) -> Result:
        latencies = self.tally.latencies
        return Result(
            peer="tandem",
            scenario=scenario,
            connections=stage.options.connections,
            rate=stage.options.rate,
            deliveries_per_s=round(latencies.count / self.seconds, 1),
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
        )


async def measure(stage: Stage, fleet: Fleet, writer: Writer) -> Measured:
    """Raises LoadError when not one write was accepted. Ctrl-C ends the writing, not the rest."""
    options = stage.options
    head = await stage.target.head(stage.staff)
    since = _now() + int(options.warmup * 1_000_000)
    fleet.measure(since)
    with stage.interruption.graceful() as stop:
        async with stage.screen.bar(options.warmup + options.duration, lambda: _news(fleet)):
            await writer.run(options.warmup, stop)
            meter = Meter([os.getpid(), *fleet.pids], stage.server_pid)
            await writer.run(options.duration, stop)
            usage, ended = meter.read(), _now()
        await writer.settle()
        _require_writes(writer)
        until = await last_offset(stage.target, stage.staff, head + writer.accepted, options.drain)
        await drain(fleet.complete_to, until, options.drain)
        interrupted = stop.is_set()
    tally = await fleet.tally(until)
    return Measured(tally, usage, (max(ended, tally.last) - since) / 1_000_000, interrupted)


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


async def last_offset(target: Target, staff: Account, accepted: int, seconds: float) -> int:
    """The head of `orders`, above `accepted` when others write, too.

    Never below it: an event that has no number after `seconds` is a loss, and so is what a target
    that no longer answers had accepted.
    """
    try:
        async with asyncio.timeout(seconds):
            offset = await target.head(staff)
            while offset < accepted:
                await asyncio.sleep(PROGRESS_SECONDS)
                offset = await target.head(staff)
    except (TimeoutError, LoadError):
        return accepted
    return offset


def _require_writes(writer: Writer) -> None:
    if writer.accepted == 0 and writer.failed:
        raise LoadError.unreachable(f"not one write was accepted: {writer.failures}")


def _now() -> int:
    """Microseconds since 1970, the unit of `at`."""
    return time.time_ns() // 1000


def _news(fleet: Fleet) -> str:
    return f"{fleet.deliveries:,} deliveries"
