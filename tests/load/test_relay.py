"""How long events wait for the relay, as it is looked at."""

import asyncio
from typing import TYPE_CHECKING, cast

from load.histogram import Histogram
from load.scenarios.relay import LOOK_SECONDS, watch

if TYPE_CHECKING:
    import asyncpg


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
    postgres, ages = SlowOnce(30 * LOOK_SECONDS), Histogram()
    watching = asyncio.create_task(
        watch(cast("asyncpg.Connection[asyncpg.Record]", postgres), ages)
    )
    await postgres.enough.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert ages.count >= 30
    assert (ages.percentile(50) or 0) >= 0.9 * 30 * LOOK_SECONDS * 1_000_000
