"""One client reads nothing for a while: what the others feel of it, and whether it gets all."""

import asyncio
from argparse import ArgumentParser

from load.fleet import Fleet
from load.measurement import Measured, measure
from load.report import Outcome
from load.scenario import Scenario, Stage
from load.source import Source
from load.sources.choice import add_source_flag, source_of
from load.subject import Subject


async def play(stage: Stage) -> Outcome:
    options = stage.options
    async with (
        source_of(stage, options.own.source) as source,
        Fleet(Subject.of_stage(stage).job(options.connections), options.processes) as fleet,
    ):
        before = await measure(stage, fleet, source, rate=options.rate, seconds=options.duration)
        during = await _with_slow(stage, fleet, source)
    return Outcome([before.result("all read", stage), during.result("slow", stage)])


async def _with_slow(stage: Stage, fleet: Fleet, source: Source) -> Measured:
    """It reads on when the events are over, and its late receipts count, too."""
    options = stage.options
    fleet.pause(1)
    reading_on = asyncio.get_running_loop().call_later(
        options.warmup + options.duration, fleet.go_on
    )
    try:
        return await measure(stage, fleet, source, rate=options.rate, seconds=options.duration)
    finally:
        reading_on.cancel()


def add_flags(parser: ArgumentParser) -> None:
    add_source_flag(parser, default="rest")


SCENARIO = Scenario(
    summary=__doc__ or "", play=play, add_flags=add_flags, defaults={"connections": 500}
)
