"""What others feel while a worker is busy: GET /health, and new connections."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from load.crowd import Crowd
from load.errors import LoadError
from load.histogram import Histogram
from load.report import milliseconds
from load.subject import Subject
from load.websocket import Address

HEALTH_SECONDS = 0.02
HANDSHAKE_SECONDS = 0.05
REQUEST_SECONDS = 5.0


@dataclass
class Probed:
    """What was found by those of one kind."""

    times: Histogram = field(default_factory=Histogram)
    failed: int = 0


class Probes:
    """How long each took of those between `begin` and `end`. `failed`: without an answer in
    REQUEST_SECONDS, which is what such a one counts as.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._tls = Address.of(subject.url, "").tls()
        self._health, self._handshakes = Probed(), Probed()
        self._http: httpx.AsyncClient
        self._repeating: list[asyncio.Task[None]] = []
        self._flights: list[asyncio.Task[None]] = []

    @property
    def failed(self) -> int:
        return self._health.failed + self._handshakes.failed

    @property
    def figures(self) -> dict[str, float]:
        found = {
            "health_p99_ms": milliseconds(self._health.times, 99),
            "handshake_p99_ms": milliseconds(self._handshakes.times, 99),
        }
        return {name: value for name, value in found.items() if value is not None}

    @asynccontextmanager
    async def ready(self) -> AsyncIterator[None]:
        """They can begin; at the end of the block those that have begun are waited for."""
        url = self._subject.url
        async with httpx.AsyncClient(base_url=url, timeout=REQUEST_SECONDS) as self._http:
            try:
                yield
                self.end()
                await asyncio.gather(*self._flights)
            finally:
                left = {*self._repeating, *self._flights}
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)

    def begin(self) -> None:
        """Both, again and again; what was found before is forgotten."""
        self.end()
        self._health, self._handshakes = Probed(), Probed()
        repeated = (
            self._repeat(HEALTH_SECONDS, self._health, self._get),
            self._repeat(HANDSHAKE_SECONDS, self._handshakes, self._connect),
        )
        self._repeating = [asyncio.create_task(each) for each in repeated]

    def end(self) -> None:
        for task in self._repeating:
            task.cancel()

    async def _repeat(
        self, pause: float, found: Probed, once: Callable[[], Awaitable[None]]
    ) -> None:
        """Each in its turn, however long those before it take: whoever comes while a server does
        not answer feels it, and not only the first of them.
        """
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            self._flights.append(asyncio.create_task(_probe(found, once)))
            due += pause
            await asyncio.sleep(max(0.0, due - clock()))

    async def _connect(self) -> None:
        """Opened, signed in and subscribed; then gone."""
        crowd = Crowd(self._subject.job(1), self._tls)
        await crowd.open()
        crowd.leave()

    async def _get(self) -> None:
        (await self._http.get("/health")).raise_for_status()


async def _probe(found: Probed, once: Callable[[], Awaitable[None]]) -> None:
    begin = time.perf_counter_ns()
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            await once()
    except (TimeoutError, httpx.HTTPError, LoadError):
        found.failed += 1
        found.times.record(int(REQUEST_SECONDS * 1_000_000))
    else:
        found.times.record((time.perf_counter_ns() - begin) // 1000)
