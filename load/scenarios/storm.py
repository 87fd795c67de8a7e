"""Everybody drops their connection at once and comes back, while events go on."""

import asyncio
from argparse import ArgumentParser

from load.fleet import Fleet
from load.measurement import measure
from load.report import Outcome
from load.scenario import Scenario, Stage
from load.sources.choice import add_source_flag, source_of
from load.subject import Subject

CALM_SECONDS = 1.0
"""Of events before the storm."""


async def play(stage: Stage) -> Outcome:
    options = stage.options
    async with (
        source_of(stage, options.own.source) as source,
        Fleet(
            Subject.of_stage(stage).job(options.connections, at_once=256), options.processes
        ) as fleet,
    ):
        calm = await measure(stage, fleet, source, rate=options.rate, seconds=options.duration)
        storm = asyncio.create_task(_storm(fleet, options.warmup + CALM_SECONDS))
        stormy = await measure(stage, fleet, source, rate=options.rate, seconds=options.duration)
        seconds = await storm
    result = stormy.result("storm", stage, back_within_ms=round(seconds * 1000, 1))
    return Outcome([calm.result("calm", stage), result])


async def _storm(fleet: Fleet, seconds: float) -> float:
    await asyncio.sleep(seconds)
    return await fleet.storm()


def add_flags(parser: ArgumentParser) -> None:
    add_source_flag(parser, default="rest")


SCENARIO = Scenario(
    summary=__doc__ or "", play=play, add_flags=add_flags, defaults={"connections": 500}
)
