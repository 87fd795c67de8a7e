"""REST writes: how long each takes, when it reaches the sockets, and how many fit into a second."""

import asyncio
import time
from argparse import ArgumentParser
from dataclasses import dataclass

from load.fleet import Fleet
from load.histogram import Histogram
from load.measurement import keep, measure
from load.quantities import count
from load.report import milliseconds
from load.scenario import Scenario, Stage
from load.sources.rest import Rest
from load.subject import Subject


@dataclass
class Closed:
    """A Source that keeps no rate: `writers` write as fast as they get their answers, which they
    have done for `seconds` now.
    """

    rest: Rest
    writers: int
    seconds: float = 0.0

    @property
    def failures(self) -> str:
        return self.rest.failures

    async def head(self) -> int:
        return await self.rest.head()

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        del rate
        begin = time.monotonic()
        await self.rest.run_closed(self.writers, seconds, stop)
        self.seconds += time.monotonic() - begin

    async def settle(self, seconds: float) -> int:
        return await self.rest.settle(seconds)


async def play(stage: Stage) -> None:
    options = stage.options
    owner = await stage.target.register_customer()
    rest = Rest(stage.target, owner=owner, staff=stage.staff, moves=not options.own.posts)
    job = Subject.of_stage(stage).job(options.connections)
    async with Fleet(job, options.processes) as fleet:
        rate, seconds = options.rate, options.duration
        at_rate = await measure(
            stage, fleet, rest, rate=rate, seconds=seconds, begun=rest.take_times
        )
        keep(stage, "writes", at_rate, **_figures(rest.take_times()))
        if not at_rate.interrupted:
            await _most(stage, fleet, rest)


async def _most(stage: Stage, fleet: Fleet, rest: Rest) -> None:
    options = stage.options
    closed = Closed(rest, options.own.writers)
    measured = await measure(
        stage, fleet, closed, rate=0.0, seconds=options.duration, begun=rest.take_times
    )
    per_second = round(measured.made / closed.seconds, 1)
    times = rest.take_times()
    keep(stage, "most", measured, requests_per_s=per_second, **_figures(times))


def _figures(times: Histogram) -> dict[str, float]:
    found = {f"request_p{percent}_ms": milliseconds(times, percent) for percent in (50, 99)}
    return {name: value for name, value in found.items() if value is not None}


def add_flags(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("writes").add_argument
    add("--writers", type=count, default=8, help="who write at full speed (default: %(default)s)")
    add("--posts", action="store_true", help="place orders only, move none")


SCENARIO = Scenario(
    summary=__doc__ or "",
    play=play,
    add_flags=add_flags,
    defaults={"connections": 200, "rate": 50.0},
)
