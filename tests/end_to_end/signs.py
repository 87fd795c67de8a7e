"""What /ready and /metrics say over a stretch of time, each asked all the while."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from httpx import AsyncClient

from tests.end_to_end.scrape import counted

PAUSE_SECONDS = 0.05
SETTLED_SECONDS = 1.5
"""For so long it has to say the same, whichever worker is asked."""

Ask = Callable[[], Awaitable[Hashable]]


@dataclass
class Sign:
    """What one place said, and when the answer was there (`time.monotonic()`)."""

    said: list[tuple[float, Hashable]] = field(default_factory=list)

    def first(self, value: Hashable, since: float) -> float:
        """After how many seconds it said so; infinite if it did not."""
        times = (at - since for at, said in self.said if at >= since and said == value)
        return next(times, float("inf"))

    def for_good(self, value: Hashable, since: float) -> float:
        """After how many seconds it said so and nothing else any more; infinite if not (yet)."""
        others = [at for at, said in self.said if said != value]
        begun = max(since, *others) if others else since
        last = self.said[-1][0] if self.said else 0.0
        settled = last - begun >= SETTLED_SECONDS
        return self.first(value, begun) + begun - since if settled else float("inf")

    async def follow(self, ask: Ask) -> None:
        """Until cancelled."""
        while True:
            answer = await ask()
            self.said.append((time.monotonic(), answer))
            await asyncio.sleep(PAUSE_SECONDS)


@dataclass
class Signs:
    ready: Sign
    """(status code, status, whether the check of the service is ok)"""
    gauge: Sign
    """1.0 or 0.0"""


@asynccontextmanager
async def watching_signs(url: str, service: str) -> AsyncIterator[Signs]:
    """Of "redis" or "postgres". Each question takes a connection of its own, so that it may meet
    any worker.
    """
    signs = Signs(Sign(), Sign())
    headers = {"Connection": "close"}
    async with AsyncClient(timeout=30, headers=headers) as http:

        async def ask_ready() -> Hashable:
            answer = await http.get(f"{url}/ready")
            told = answer.json()
            return answer.status_code, told["status"], told["checks"][service]["ok"]

        async def ask_gauge() -> Hashable:
            return await counted(http, url, f"tandem_{service}_up")

        following = [
            asyncio.create_task(signs.ready.follow(ask_ready)),
            asyncio.create_task(signs.gauge.follow(ask_gauge)),
        ]
        try:
            yield signs
        finally:
            for task in following:
                task.cancel()
            ends = await asyncio.gather(*following, return_exceptions=True)
    failed = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
    assert not failed, failed
