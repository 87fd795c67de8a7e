"""One client reads nothing for a while: what the others feel of it, and whether it gets all; closed
for that, it comes back.
"""

from argparse import ArgumentParser

from load.fleet import Fleet
from load.measurement import keep, measure
from load.scenario import Scenario, Stage
from load.sources.choice import add_source_flag, source_of
from load.subject import Subject


async def play(stage: Stage) -> None:
    options = stage.options
    async with (
        source_of(stage) as source,
        Fleet(Subject.of_stage(stage).job(options.connections), options.processes) as fleet,
    ):
        rate, seconds = options.rate, options.duration
        before = await measure(stage, fleet, source, rate=rate, seconds=seconds)
        keep(stage, "all read", before)
        if before.interrupted:
            return
        fleet.pause(1)
        # It reads on when the events are over: what it lost counts, too, but no times of its own.
        during = await measure(
            stage, fleet, source, rate=rate, seconds=seconds, written=fleet.go_on
        )
        keep(stage, "slow", during)


def add_flags(parser: ArgumentParser) -> None:
    add_source_flag(parser, default="rest")


SCENARIO = Scenario(
    summary=__doc__ or "", play=play, add_flags=add_flags, defaults={"connections": 500}
)
