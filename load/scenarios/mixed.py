"""A day at the shop: Northwind orders placed and moved on while many watch and some look around."""

from argparse import ArgumentParser

from load.fleet import Fleet
from load.measurement import keep, measure
from load.quantities import positive
from load.reads import Reads
from load.scenario import Scenario, Stage
from load.sources.rest import Rest
from load.subject import Subject

READS_A_SECOND = 10.0


async def play(stage: Stage) -> None:
    """Staff follow all orders; somebody reads lists and single orders all the while."""
    options = stage.options
    owner = await stage.target.register_customer()
    rest = Rest(stage.target, owner=owner, staff=stage.staff)
    reads = Reads(stage.target, stage.staff)
    async with Fleet(Subject.of_stage(stage).job(options.connections), options.processes) as fleet:
        rate, seconds = options.rate, options.duration
        async with reads.running(options.own.reads):
            measured = await measure(
                stage, fleet, rest, rate=rate, seconds=seconds, begun=rest.take_times
            )
    times = rest.take_times()
    extra = {
        f"request_p{percent}_ms": round((times.percentile(percent) or 0.0) / 1000, 3)
        for percent in (50, 99)
    }
    if reads.failures:
        stage.outcome.notes.append(f"reads without success: {reads.failures}")
    keep(stage, "mixed", measured, **extra)


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        *("--reads",),
        type=positive,
        default=READS_A_SECOND,
        help="GET requests a second (default: %(default)g)",
    )


SCENARIO = Scenario(
    summary=__doc__ or "", play=play, add_flags=add_flags, defaults={"connections": 300}
)
