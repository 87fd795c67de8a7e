"""The relay alone: how fast it works off a backlog, and how long events wait at a steady rate."""

import asyncio
import os
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg

from app.realtime.log.numbering import PENDING
from load.errors import LoadError
from load.histogram import Histogram
from load.measurement import add_result, remarks_on
from load.postgres import connected
from load.quantities import count
from load.report import Result, milliseconds
from load.saturation import MADE
from load.scenario import Scenario, Stage
from load.source import event
from load.sources.outbox import Outbox
from load.usage import Meter, Usage

LOOK_SECONDS = 0.01
DRAIN_SECONDS = 120
BEHIND_SECONDS = 0.2
"""A relay that keeps up has numbered the last event sooner."""

RECORD = """
    WITH event AS (
        INSERT INTO events (event_id, type, entity, entity_id, version, channels, changed, payload,
                            created_at)
        SELECT gen_random_uuid(), 'order.updated', 'load', gen_random_uuid(), 1,
               ARRAY[$1::text || n % $2], '{}', $3, clock_timestamp()
        FROM generate_series(1, $4::int) AS n
        WHERE pg_current_xact_id() IS NOT NULL RETURNING id)
    INSERT INTO pending SELECT id FROM event
"""
HEADS = "SELECT coalesce(sum(head), 0)::bigint FROM channels WHERE starts_with(name, $1)"
NAMES = "load:"


async def play(stage: Stage) -> None:
    if stage.server is None:
        raise LoadError.refused("relay needs a server of its own: leave --url out")
    async with connected(stage.server.services.database_url) as connection:
        await _work_off(stage, connection)
        await keep_up(stage, connection, stage.options.rate)


async def _work_off(stage: Stage, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """From the commit of a backlog until nothing of it is left."""
    own = stage.options.own
    payload = event(time.time()).decode()
    meter = Meter([os.getpid()], stage.server_pid)
    await connection.execute(RECORD, NAMES, own.channels, payload, own.backlog)
    begin = time.perf_counter()
    async with _in_time():
        while await connection.fetchval("SELECT EXISTS (SELECT FROM pending)"):  # noqa: ASYNC110 - Postgres has no event
            await asyncio.sleep(LOOK_SECONDS)
    seconds = time.perf_counter() - begin
    numbered = await connection.fetchval(HEADS, NAMES)
    rate = round(numbered / seconds, 1)
    usage = meter.read()
    row = _result(stage, 0.0, own.backlog - numbered, usage, events_per_s=rate)
    add_result(stage, row, remarks_on("relay", Counter(), usage))


async def keep_up(
    stage: Stage, connection: "asyncpg.Connection[asyncpg.Record]", rate: float
) -> None:
    """Events at this rate, until the last has its number; how old the oldest that waits is, looked
    at again and again. Its age begins when it was due: time that it took us to record it is in
    there, too.
    """
    before = await connection.fetchval(HEADS, NAMES)
    ages, over = Histogram(), asyncio.Event()
    meter = Meter([os.getpid()], stage.server_pid)
    async with _outbox(stage) as outbox, _watching(connection, ages, over) as watching:
        begin = time.perf_counter()
        with stage.interruption.graceful() as stop:
            await outbox.run(rate, stage.options.duration, stop)
        writing = time.perf_counter() - begin
        usage, made = meter.read(), await outbox.settle(0)
        over.set()
        async with _in_time():
            await watching
        seconds = time.perf_counter() - begin
    numbered = await connection.fetchval(HEADS, NAMES) - before
    figures = {
        f"pending_age_p{percent}_ms": milliseconds(ages, percent) or 0.0 for percent in (50, 99)
    }
    per_second = round(numbered / seconds, 1)
    row = _result(stage, round(rate), made - numbered, usage, events_per_s=per_second, **figures)
    remarks = _remarks(rate, made / writing, seconds - writing)
    add_result(stage, row, [*remarks, *remarks_on("relay", Counter(), usage)])


def _remarks(rate: float, made: float, waited: float) -> Iterator[str]:
    """Events a second that were asked for and made; seconds that the last of them waited."""
    if made < rate * MADE:
        yield f"relay: the load made {made:,.0f} events/s only"
    if waited > BEHIND_SECONDS:
        behind = f"the last had its number {waited:.1f} s after it was made"
        yield f"relay fell behind its load of {made:,.0f} events/s: {behind}"


@asynccontextmanager
async def _watching(
    connection: "asyncpg.Connection[asyncpg.Record]", ages: Histogram, over: asyncio.Event
) -> AsyncIterator[asyncio.Task[None]]:
    """See `watch`; at the latest until the end of the block."""
    task = asyncio.create_task(watch(connection, ages, over))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def watch(
    connection: "asyncpg.Connection[asyncpg.Record]", ages: Histogram, over: asyncio.Event
) -> None:
    """Look until `over`, and on until nothing is pending. What was seen late counts as often as it
    would have been looked at: a Postgres that is slow is so just when events wait.
    """
    looked = time.perf_counter()
    while True:
        last = over.is_set()
        pending, age = await connection.fetchrow(PENDING, 0) or (0, 0)
        before, looked = looked, time.perf_counter()
        ages.record(int(float(age) * 1_000_000), max(1, round((looked - before) / LOOK_SECONDS)))
        if last and not pending:
            return
        await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            yield
    except TimeoutError:
        raise LoadError.unreachable("the relay did not come to an end") from None


@asynccontextmanager
async def _outbox(stage: Stage) -> AsyncIterator[Outbox]:
    if stage.server is None:
        raise LoadError.refused("relay needs a server of its own")
    names = [f"{NAMES}{nth}" for nth in range(stage.options.own.channels)]
    async with connected(stage.server.services.database_url) as connection:
        yield Outbox(connection, names, 0)


def _result(stage: Stage, rate: float, lost: int, usage: Usage, **extra: float) -> Result:
    """Nobody listens: a loss is an event without an offset."""
    losses = {"lost": max(0, lost), "duplicated": max(0, -lost)}
    return Result.undelivered(stage.peer, "relay", usage, extra, rate=rate, **losses)


def add_flags(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("relay").add_argument
    add("--backlog", type=count, default=30_000, help="events to work off (default: %(default)s)")
    add("--channels", type=count, default=100, help="one for each event (default: %(default)s)")
    parser.set_defaults(source="whole")  # the relay looks by itself: nobody nudges it


SCENARIO = Scenario(
    summary=__doc__ or "",
    play=play,
    add_flags=add_flags,
    defaults={"rate": 3000.0, "duration": 5.0},
    unheeded=frozenset({"url", "connections", "warmup", "drain", "processes"}),
)
