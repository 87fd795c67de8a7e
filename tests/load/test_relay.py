"""How many events the relay numbers, and how long they wait for it, as it is looked at."""

import asyncio
import os
from argparse import Namespace
from dataclasses import replace
from typing import cast

import asyncpg

from app.embedded import Services
from app.realtime.log.numbering import PENDING
from load.histogram import Histogram
from load.scenario import Stage
from load.scenarios.relay import LOOK_SECONDS, keep_up, watch
from load.server import OwnServer
from load.target import Account, Target
from tests.load.test_handshakes import bench
from tests.waiting import in_background

STAFF = Account("staff@tandem.example", "t", 900)
RATE = 100
SECONDS = 0.2
EVENTS = 20
LATE_SECONDS = 1.0
"""So old the oldest event is when the relay of these tests begins."""
NUMBER = """
    WITH gone AS (DELETE FROM pending RETURNING event)
    INSERT INTO channels (name, head) SELECT 'load:0', count(*) - $1 FROM gone
"""


class SlowOnce:
    """A Postgres that answers at once, after the first time."""

    def __init__(self, seconds: float) -> None:
        self.asked = 0
        self.enough = asyncio.Event()
        self._seconds = seconds

    async def fetchrow(self, query: str, _above: int) -> tuple[int, float]:
        """How many wait, and for how many seconds the oldest has."""
        assert "pending" in query
        self.asked += 1
        if self.asked == 1:
            await asyncio.sleep(self._seconds)
            return 1, self._seconds
        self.enough.set()
        return 0, 0.0


async def test_what_a_slow_postgres_shows_once_counts_for_all_the_time_it_took() -> None:
    postgres, ages, over = SlowOnce(30 * LOOK_SECONDS), Histogram(), asyncio.Event()
    over.set()
    await watch(cast("asyncpg.Connection[asyncpg.Record]", postgres), ages, over)
    assert postgres.asked == 2
    assert ages.count >= 30
    assert (ages.percentile(50) or 0) >= 0.9 * 30 * LOOK_SECONDS * 1_000_000


async def late_relay(database: str, unnumbered: int) -> None:
    """Leaves all events alone until they are old, and then so many without a number."""
    connection = await asyncpg.connect(database)
    try:
        waiting, age = 0, 0.0
        while waiting < EVENTS or age < LATE_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            waiting, age = await connection.fetchrow(PENDING, 0) or (0, 0.0)
        await connection.execute(NUMBER, unnumbered)
    finally:
        await connection.close()


async def kept_up(database: str, *, unnumbered: int = 0) -> Stage:
    here = bench(server_pid=None)
    options = replace(here.options, duration=SECONDS, own=Namespace(channels=1))
    server = OwnServer("", os.getpid(), Services(database, ""))
    target = Target("http://tandem.example")
    screen, interruption, outcome = here.screen, here.interruption, here.outcome
    stage = Stage(
        options, screen, interruption, outcome, "tandem", server.pid, target, STAFF, server
    )
    connection = await asyncpg.connect(database)
    async with in_background(late_relay(database, unnumbered)):
        await keep_up(stage, connection, RATE)
    await connection.close()
    return stage


async def test_a_relay_that_falls_behind_is_watched_and_timed_to_its_end(database: str) -> None:
    outcome = (await kept_up(database)).outcome
    (row,) = outcome.results
    assert row.lost == 0
    assert 0 < row.extra["events_per_s"] <= EVENTS / LATE_SECONDS
    assert row.extra["pending_age_p99_ms"] > SECONDS * 1000 * 2
    assert any(note.startswith("relay fell behind ") for note in outcome.notes)


async def test_an_event_without_a_number_is_lost_and_not_in_the_rate(database: str) -> None:
    (row,) = (await kept_up(database, unnumbered=EVENTS)).outcome.results
    assert (row.lost, row.extra["events_per_s"]) == (EVENTS, 0)
