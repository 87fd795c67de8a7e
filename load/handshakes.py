"""How many connections a second: opened, signed in and subscribed; and what one weighs then."""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from load.fleet import Fleet
from load.interruption import pause
from load.measurement import expect_some_left
from load.messages import Job
from load.report import Result
from load.scenario import Bench
from load.subject import Subject
from load.usage import Meter, Usage

AT_ONCE = 128
ROUNDS = 5
WARM_CONNECTIONS = 200
"""So many come first: what a server makes once is not what a connection weighs."""
REST_SECONDS = 2.0
"""After the last has come, or has left."""


class Round(NamedTuple):
    """Seconds until the last was subscribed, CPU seconds of the server, cores of the client."""

    seconds: float
    server: float
    client: float


async def connect(bench: Bench, subject: Subject, scenario: str = "connect") -> None:
    """Rounds of all connections at once; the median round counts, of those that there were."""
    rounds: list[Round] = []
    try:
        for _ in range(ROUNDS):
            rounds.append(await _round(bench, subject))
            bench.screen.say(f"{bench.options.connections / rounds[-1].seconds:8,.0f} connects/s")
            await asyncio.sleep(REST_SECONDS)
    finally:
        if rounds:
            bench.outcome.add(of_rounds(bench, rounds, scenario))


async def _round(bench: Bench, subject: Subject) -> Round:
    meter = Meter([os.getpid()], bench.server_pid)
    async with Fleet(_job(bench, subject), bench.options.processes) as fleet:
        return Round(fleet.connected_in, meter.cpu_seconds(), fleet.connecting_cpu)


def of_rounds(bench: Bench, rounds: Sequence[Round], scenario: str = "connect") -> Result:
    seconds, cpu, client = (median(figures) for figures in zip(*rounds, strict=True))
    count = bench.options.connections
    extra = {"connects_per_s": round(count / seconds, 1)}
    if bench.server_pid is not None:
        extra["server_us_per_connect"] = round(cpu / count * 1_000_000, 1)
    server = round(cpu / seconds, 3) if bench.server_pid is not None else None
    return _result(bench, scenario, extra, Usage(round(client, 3), server))


async def idle(bench: Bench, subject: Subject) -> None:
    """Memory of the server's processes before and after, divided."""
    async with Fleet(subject.job(WARM_CONNECTIONS), 1):
        await asyncio.sleep(REST_SECONDS)
        before = Meter([os.getpid()], bench.server_pid).memory()
        async with Fleet(_job(bench, subject), bench.options.processes) as fleet:
            await asyncio.sleep(REST_SECONDS)
            meter = Meter([os.getpid(), *fleet.pids], bench.server_pid)
            after = meter.memory()
            with bench.interruption.graceful() as stop:
                await pause(bench.options.duration, stop)
            usage = meter.read()
            ended = (await fleet.tally(0)).ended
    _add_idle(bench, usage, after - before, ended)


def _add_idle(bench: Bench, usage: Usage, grown: int, ended: Counter[str]) -> None:
    """Raises LoadError when nobody was left."""
    each = round(grown / bench.options.connections, 1)
    extra = {"bytes_per_connection": each} if bench.server_pid is not None else {}
    notes = [f"idle: {count:,} connections ended early: {how}" for how, count in ended.items()]
    bench.outcome.add(_result(bench, "idle", extra, usage, ended.total()), *notes)
    expect_some_left(bench, ended)


def _job(bench: Bench, subject: Subject) -> Job:
    return subject.job(bench.options.connections, AT_ONCE)


def _result(
    bench: Bench, scenario: str, extra: dict[str, float], usage: Usage, ended: int = 0
) -> Result:
    """Nothing is delivered here."""
    connections = bench.options.connections
    return Result.undelivered(
        bench.peer, scenario, usage, extra, connections=connections, ended=ended
    )
