"""A day at the shop: Northwind orders placed and moved on while many watch and some look around."""

import asyncio
from argparse import ArgumentParser
from contextlib import suppress

from load.errors import LoadError
from load.fleet import Fleet
from load.measurement import keep, measure
from load.quantities import positive
from load.scenario import Scenario, Stage
from load.sources.rest import Rest
from load.subject import Subject

READS_A_SECOND = 10.0


async def play(stage: Stage) -> None:
    """Staff follow all orders; somebody reads lists and single orders all the while."""
    options = stage.options
    owner = await stage.target.register_customer()
    rest = Rest(stage.target, owner=owner, staff=stage.staff)
    async with Fleet(Subject.of_stage(stage).job(options.connections), options.processes) as fleet:
        reading = asyncio.create_task(_read(stage, options.own.reads))
        try:
            rate, seconds = options.rate, options.duration
            measured = await measure(
                stage, fleet, rest, rate=rate, seconds=seconds, begun=rest.take_times
            )
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
    times = rest.take_times()
    extra = {
        f"request_p{percent}_ms": round((times.percentile(percent) or 0.0) / 1000, 3)
        for percent in (50, 99)
    }
    keep(stage, "mixed", measured, **extra)


async def _read(stage: Stage, rate: float) -> None:
    """Lists by turns with one of the orders in them. A read that fails is the writes' to tell."""
    target, staff = stage.target, stage.staff
    while True:
        with suppress(LoadError):
            for order in (await target.list_orders(staff))[:5]:
                await target.get_order(staff, order)
                await asyncio.sleep(1 / rate)
        await asyncio.sleep(1 / rate)


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
