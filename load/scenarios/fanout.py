"""Every write reaches every connection: latency, losses, repeats and disorder at a given rate."""

from argparse import ArgumentParser
from collections.abc import Iterator

from load.fleet import Fleet
from load.measurement import Measured, keep, measure
from load.messages import Job
from load.scenario import Scenario, Stage
from load.sources.choice import CHANNEL, add_source_flag, source_of

_SLACK = 0.95
"""Below this share of the asked rate the reader should know."""


async def play(stage: Stage) -> None:
    options = stage.options
    job = Job(
        stage.target.url,
        stage.staff.token,
        CHANNEL,
        options.connections,
        compression=options.own.compression,
    )
    async with (
        source_of(stage) as source,
        Fleet(job, options.processes) as fleet,
    ):
        took = f"{fleet.connected_in:.1f} s"
        stage.screen.say(f"{options.connections:,} connections subscribed in {took}")
        stage.screen.say(
            f"{options.rate:g} events/s for {options.duration:g} s,"
            f" {options.warmup:g} s of warm-up before"
        )
        measured = await measure(stage, fleet, source, rate=options.rate, seconds=options.duration)
    keep(stage, "fanout", measured)
    stage.outcome.notes += _notes(stage, measured)


def _notes(stage: Stage, measured: Measured) -> Iterator[str]:
    usage, options = measured.usage, stage.options
    expected = options.connections * options.rate * measured.seconds
    received = measured.tally.latencies.count
    if received < expected * _SLACK:
        reached = received / options.connections / measured.seconds
        yield f"a connection received {reached:.1f} events/s of {options.rate:g} asked"
    if usage.services:
        shares = (f"{name} {cores:.0%}" for name, cores in sorted(usage.services.items()))
        yield f"beside the server, of a core: {', '.join(shares)}"


def add_flags(parser: ArgumentParser) -> None:
    add_source_flag(parser, default="rest")
    parser.add_argument_group("fanout").add_argument(
        "--compression", action="store_true", help="sockets with permessage-deflate"
    )


SCENARIO = Scenario(summary=__doc__ or "", play=play, add_flags=add_flags)
