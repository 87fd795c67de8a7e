"""Everybody drops their connection at once and comes back, while events go on."""

import asyncio
from argparse import ArgumentParser

from load.fleet import Fleet
from load.interruption import pause
from load.measurement import keep, measure
from load.scenario import Scenario, Stage
from load.source import Source
from load.sources.choice import add_source_flag, source_of
from load.subject import Subject

CALM_SECONDS = 1.0
"""Of events before the storm, or half of them if there are fewer."""


async def play(stage: Stage) -> None:
    options = stage.options
    async with (
        source_of(stage) as source,
        Fleet(
            Subject.of_stage(stage).job(options.connections, at_once=256), options.processes
        ) as fleet,
    ):
        calm = await measure(stage, fleet, source, rate=options.rate, seconds=options.duration)
        keep(stage, "calm", calm)
        if not calm.interrupted:
            await _stormy(stage, fleet, source)


async def _stormy(stage: Stage, fleet: Fleet, source: Source) -> None:
    """A measurement with a storm in it, unless it is interrupted before."""
    options = stage.options
    over = asyncio.Event()
    calm = min(CALM_SECONDS, options.duration / 2)
    storm = asyncio.create_task(_storm(fleet, options.warmup + calm, over))
    try:
        stormy = await measure(
            stage, fleet, source, rate=options.rate, seconds=options.duration, written=over.set
        )
        seconds = await storm
    finally:
        storm.cancel()
    back = {"back_within_ms": round(seconds * 1000, 1)} if seconds else {}
    keep(stage, "storm", stormy, **back)


async def _storm(fleet: Fleet, seconds: float, over: asyncio.Event) -> float:
    """How long it took; 0.0 when the writes were over before it began."""
    await pause(seconds, over)
    return 0.0 if over.is_set() else await fleet.storm()


def add_flags(parser: ArgumentParser) -> None:
    add_source_flag(parser, default="rest")


SCENARIO = Scenario(
    summary=__doc__ or "", play=play, add_flags=add_flags, defaults={"connections": 500}
)
