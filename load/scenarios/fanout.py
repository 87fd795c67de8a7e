"""Every write reaches every connection: latency, losses, repeats and disorder at a given rate."""

import time
from collections.abc import Iterator

from load.fleet import Fleet
from load.measurement import Measured, measure
from load.messages import Job
from load.report import Outcome
from load.scenario import Scenario, Stage
from load.writer import Writer

CHANNEL = "orders"
_SLACK = 0.95
"""Below this share of the asked rate the reader should know."""


async def play(stage: Stage) -> Outcome:
    options = stage.options
    owner = await stage.target.register_customer()
    writer = Writer(stage.target, owner=owner, staff=stage.staff, rate=options.rate)
    job = Job(stage.target.url, stage.staff.token, CHANNEL, options.connections)
    begin = time.monotonic()
    async with Fleet(job, options.processes) as fleet:
        took = time.monotonic() - begin
        stage.screen.say(f"{options.connections:,} connections subscribed in {took:.1f} s")
        stage.screen.say(
            f"{options.rate:g} events/s for {options.duration:g} s,"
            f" {options.warmup:g} s of warm-up before"
        )
        measured = await measure(stage, fleet, writer)
    return Outcome([measured.result("fanout", stage)], list(_notes(stage, writer, measured)))


def _notes(stage: Stage, writer: Writer, measured: Measured) -> Iterator[str]:
    """What the figures alone would not say."""
    tally, usage, options = measured.tally, measured.usage, stage.options
    if measured.interrupted:
        yield f"interrupted: {measured.seconds:.1f} s of {options.duration:g} s were measured"
    if writer.failed:
        yield f"writes without success: {writer.failures}"
    reached = tally.latencies.count / options.connections / measured.seconds
    if reached < options.rate * _SLACK:
        yield f"a connection received {reached:.1f} events/s of {options.rate:g} asked"
    for how, count in sorted(tally.ended.items()):
        yield f"{count:,} connections ended early: {how}"
    if usage.client_bound:
        yield "client-bound: a client process was over 90 % of a core and measured itself"
    if tally.latencies.early:
        yield f"{tally.latencies.early:,} deliveries came before their `at`: two clocks"
    if usage.services:
        shares = (f"{name} {cores:.0%}" for name, cores in sorted(usage.services.items()))
        yield f"beside the server, of a core: {', '.join(shares)}"


SCENARIO = Scenario(summary=__doc__ or "", play=play)
