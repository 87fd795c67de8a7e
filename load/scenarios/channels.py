"""Cost of a delivery as the number of channels grows, one subscriber each.

Order is that of a channel: two events of different channels that change places are no disorder.
"""

import os
import time
from argparse import ArgumentParser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from load.errors import LoadError
from load.fleet import Fleet
from load.measurement import Measured, drain, keep
from load.messages import Job, Tally
from load.pipe import RedisPipe
from load.postgres import connected
from load.quantities import counts
from load.scenario import Scenario, Stage
from load.series import throughput
from load.sources.wire import Wires
from load.usage import Meter

COUNTS = (1, 10, 100, 1_000, 10_000)
CONNECTIONS = 20

_ORDERS = """
    INSERT INTO orders (id, version, status, currency, owner_id)
    SELECT gen_random_uuid(), 1, 'placed', 'EUR', (SELECT id FROM users ORDER BY id LIMIT 1)
    FROM generate_series(1, $1) RETURNING 'orders:' || id
"""


async def play(stage: Stage) -> None:
    if stage.server is None:
        raise LoadError.refused("channels needs a server of its own: leave --url out")
    async with _channels(stage, sum(stage.options.own.counts)) as unused:
        channels = unused
        for count in stage.options.own.counts:
            mine, channels = channels[:count], channels[count:]  # each begins at offset 1
            measured = await _measure(stage, mine)
            stage.screen.say(f"{count:7,} channels: {measured.told_cost}")
            if measured.interrupted:
                return


async def _measure(stage: Stage, channels: Sequence[str]) -> Measured:
    options = stage.options
    connections = min(CONNECTIONS, len(channels))
    bench = replace(stage, options=replace(options, connections=connections))
    job = Job(stage.target.url, stage.staff.token, "orders", connections, channels=list(channels))
    async with Fleet(job, 1) as fleet:
        measured = await _play(bench, fleet, channels)
    keep(bench, "channels", measured, channels=len(channels), **measured.cost)
    return measured


async def _play(stage: Stage, fleet: Fleet, channels: Sequence[str]) -> Measured:
    """Each event is one delivery: so many as were made have to come."""
    options, server = stage.options, stage.server
    if server is None:
        raise LoadError.refused("channels needs a server of its own")
    pipe = await RedisPipe.open(server.services.redis_url)
    source = Wires(pipe, epoch=await stage.target.epoch(stage.staff), channels=channels)
    before = fleet.deliveries
    since = time.time_ns() // 1000
    fleet.measure(since)
    with stage.interruption.graceful() as stop:
        meter = Meter([os.getpid(), *fleet.pids], stage.server_pid)
        await source.run(options.rate, options.duration, stop)
        usage, cpu = meter.read(), meter.cpu_seconds()
        ended, made = time.time_ns() // 1000, await source.settle(0)
        await arrive(fleet, before + made, options.drain)
    pipe.close()
    tally = await fleet.tally(0)
    add_what_did_not_come(tally, made)
    last = max(tally.last, ended)
    return Measured(
        rate=options.rate,
        asked_seconds=options.duration,
        made=made,
        tally=tally,
        usage=usage,
        seconds=(last - since) / 1_000_000,
        interrupted=stop.is_set(),
        cpu_seconds=cpu,
        series=throughput(fleet.histories, since / 1_000_000, last / 1_000_000),
    )


async def arrive(fleet: Fleet, deliveries: int, seconds: float) -> None:
    """Until so many have come, or no more came for `seconds`."""
    await drain(lambda until: [min(until, fleet.deliveries)], deliveries, seconds)


def add_what_did_not_come(tally: Tally, made: int) -> None:
    """Behind the last that came of each channel. Where connections ended it is taken for theirs:
    whose it was is not known.
    """
    behind = made - tally.received - tally.lost
    if tally.ended:
        tally.missed = behind
    else:
        tally.lost += behind


@asynccontextmanager
async def _channels(stage: Stage, count: int) -> AsyncIterator[list[str]]:
    """Orders that nobody has changed yet, each with a channel of its own."""
    if stage.server is None:
        raise LoadError.refused("channels needs a server of its own")
    async with connected(stage.server.services.database_url) as connection:
        yield [row[0] for row in await connection.fetch(_ORDERS, count)]


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        *("--counts",),
        type=counts,
        default=COUNTS,
        metavar="N,…",
        help="of channels (default: 1,10,100,1000,10000)",
    )


SCENARIO = Scenario(
    summary=__doc__ or "",
    play=play,
    add_flags=add_flags,
    defaults={"rate": 2000.0, "duration": 5.0, "connections": CONNECTIONS},
    unheeded=frozenset({"url", "connections", "warmup", "processes"}),
)
