"""Cost of a delivery as the number of subscribers grows, at the same number of deliveries."""

from argparse import ArgumentParser
from dataclasses import replace

from load.fleet import Fleet
from load.measurement import keep, measure
from load.quantities import counts
from load.scenario import Scenario, Stage
from load.sources.choice import add_source_flag, source_of
from load.subject import Subject

SIZES = (50, 500, 2_000, 10_000)


async def play(stage: Stage) -> None:
    """The rate is lower in proportion: `--rate` is that of the first size."""
    options = stage.options
    async with source_of(stage) as source:
        for size in options.own.sizes:
            rate = options.rate * options.own.sizes[0] / size
            bench = replace(stage, options=replace(options, connections=size, rate=rate))
            job = Subject.of_stage(stage).job(size, at_once=128)
            async with Fleet(job, options.processes) as fleet:
                measured = await measure(bench, fleet, source, rate=rate, seconds=options.duration)
            stage.screen.say(f"{size:7,} subscribers: {measured.told_cost}")
            keep(bench, "growth", measured, **measured.cost)
            if measured.interrupted:
                return


def add_flags(parser: ArgumentParser) -> None:
    add_source_flag(parser, default="wire")
    parser.add_argument(
        *("--sizes",),
        type=counts,
        metavar="N,…",
        default=SIZES,
        help="of the audience (default: 50,500,2000,10000)",
    )


SCENARIO = Scenario(
    summary=__doc__ or "",
    play=play,
    add_flags=add_flags,
    defaults={"rate": 400.0, "duration": 5.0, "connections": SIZES[-1]},
    unheeded=frozenset({"connections"}),
)
