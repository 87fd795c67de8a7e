"""How many connections a second: opened, signed in and subscribed; and what one weighs then."""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from load.fleet import Fleet
from load.interruption import pause
from load.measurement import add_result, expect_some_left, remarks_on
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


@dataclass(frozen=True)
class Round:
    """`seconds` until the last was subscribed, and what was used in them: `cpu_seconds` by the
    server's own processes. `ended`: what was subscribed and did not last.
    """

    seconds: float
    cpu_seconds: float
    usage: Usage
    ended: Counter[str] = field(default_factory=Counter)


async def connect(bench: Bench, subject: Subject, scenario: str = "connect") -> None:
    """Rounds of all connections at once; the median round counts, of those that there were."""
    rounds: list[Round] = []
    try:
        for _ in range(ROUNDS):
            rounds.append(await _round(bench, subject))
            bench.screen.say(f"{bench.options.connections / rounds[-1].seconds:8,.0f} connects/s")
            expect_some_left(bench, rounds[-1].ended)
            await asyncio.sleep(REST_SECONDS)
    finally:
        if rounds:
            ended, usage = _ended(rounds), _middle(rounds).usage
            row = of_rounds(bench, rounds, scenario)
            add_result(bench, row, remarks_on(scenario, ended, usage))


async def _round(bench: Bench, subject: Subject) -> Round:
    """Metered from the moment in which all processes begin to connect."""
    meters: list[Meter] = []

    def start_meter(pids: list[int]) -> None:
        meters.append(Meter([os.getpid(), *pids], bench.server_pid))

    job, processes = _job(bench, subject), bench.options.processes
    async with Fleet(job, processes, starting=start_meter) as fleet:
        (meter,) = meters
        cpu, usage = meter.cpu_seconds(), meter.read()
        return Round(fleet.connected_in, cpu, usage, (await fleet.tally(0)).ended)


def of_rounds(bench: Bench, rounds: Sequence[Round], scenario: str = "connect") -> Result:
    middle, count = _middle(rounds), bench.options.connections
    extra = {"connects_per_s": round(count / middle.seconds, 1)}
    if bench.server_pid is not None:
        extra["server_us_per_connect"] = round(middle.cpu_seconds / count * 1_000_000, 1)
    return _result(bench, scenario, extra, middle.usage, _ended(rounds).total())


def _middle(rounds: Sequence[Round]) -> Round:
    """That of the median time, of an even number the quicker one of the two."""
    return sorted(rounds, key=lambda each: each.seconds)[(len(rounds) - 1) // 2]


def _ended(rounds: Sequence[Round]) -> Counter[str]:
    return sum((each.ended for each in rounds), Counter())


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
    row = _result(bench, "idle", extra, usage, ended.total())
    add_result(bench, row, remarks_on("idle", ended, usage))
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
