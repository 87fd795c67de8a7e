"""The highest rate of events at which p99 stays under a limit; the latency at half of it, and what
requests and new connections feel at four fifths.
"""

from argparse import ArgumentParser

from load.fleet import Fleet
from load.measurement import keep
from load.probes import Probes
from load.saturation import FIRST_RATE, Search, add_search_flags, measure_below, saturate, tell
from load.scenario import Scenario, Stage
from load.source import Source
from load.sources.choice import add_source_flag, source_of
from load.subject import Subject

PROBED = 4
"""So much longer it takes to probe often enough."""


async def play(stage: Stage) -> None:
    options = stage.options
    async with source_of(stage) as source:
        job = Subject.of_stage(stage).job(options.connections)
        async with Fleet(job, options.processes) as fleet:
            stage.screen.say(f"{options.connections:,} connections subscribed")
            search = Search(options.own.limit, duration=options.duration)
            try:
                await saturate(stage, fleet, source, search, first=options.own.first or FIRST_RATE)
            finally:
                tell(stage, search)
            if search.best and not search.over:
                await _around(stage, fleet, source, search.best.rate)


async def _around(stage: Stage, fleet: Fleet, source: Source, best: float) -> None:
    """The latency at half of the best rate, and what others feel at four fifths of it."""
    seconds = stage.options.duration
    half = await measure_below(stage, fleet, source, rate=best * 0.5, seconds=seconds)
    keep(stage, "half", half)
    if half.interrupted:
        return
    probes = Probes(Subject.of_stage(stage))
    async with probes.ready():
        most = await measure_below(
            *(stage, fleet, source),
            rate=best * 0.8,
            seconds=PROBED * seconds,
            begun=probes.begin,
            written=probes.end,
        )
    keep(stage, "four fifths", most, **probes.figures)
    if probes.failed:
        stage.outcome.notes.append(f"{probes.failed} requests or connections got no answer")


def add_flags(parser: ArgumentParser) -> None:
    add_source_flag(parser, default="wire")
    add_search_flags(parser)


SCENARIO = Scenario(
    summary=__doc__ or "",
    play=play,
    add_flags=add_flags,
    defaults={"connections": 500, "duration": 3.0},
    unheeded=frozenset({"rate"}),
)
