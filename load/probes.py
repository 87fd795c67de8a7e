"""What others feel while a worker is busy: GET /health, and new connections."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

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


class Probes:
    """How long each took. `failed`: without an answer in REQUEST_SECONDS."""

    def __init__(self, subject: Subject) -> None:
        self.failed = 0
        self._subject = subject
        self._tls = Address.of(subject.url, "").tls()
        self._health = Histogram()
        self._handshakes = Histogram()

    @property
    def figures(self) -> dict[str, float]:
        found = {
            "health_p99_ms": milliseconds(self._health, 99),
            "handshake_p99_ms": milliseconds(self._handshakes, 99),
        }
        return {name: value for name, value in found.items() if value is not None}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Both, again and again, until the end of the block."""
        async with httpx.AsyncClient(base_url=self._subject.url, timeout=REQUEST_SECONDS) as http:
            tasks = [
                asyncio.create_task(self._repeat(HEALTH_SECONDS, self._health, lambda: _get(http))),
                asyncio.create_task(
                    self._repeat(HANDSHAKE_SECONDS, self._handshakes, self._connect)
                ),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task

    async def _repeat(
        self, pause: float, times: Histogram, once: Callable[[], Awaitable[None]]
    ) -> None:
        """Each in its turn, however long those before it take: whoever comes while a server does
        not answer feels it, and not only the first of them.
        """
        clock = asyncio.get_running_loop().time
        due = clock()
        async with asyncio.TaskGroup() as probing:
            while True:
                probing.create_task(self._probe(times, once))
                due += pause
                await asyncio.sleep(max(0.0, due - clock()))

    async def _probe(self, times: Histogram, once: Callable[[], Awaitable[None]]) -> None:
        begin = time.perf_counter_ns()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await once()
        except (TimeoutError, httpx.HTTPError, LoadError):
            self.failed += 1
        times.record((time.perf_counter_ns() - begin) // 1000)

    async def _connect(self) -> None:
        """Opened, signed in and subscribed; then gone."""
        crowd = Crowd(self._subject.job(1), self._tls)
        await crowd.open()
        crowd.leave()


async def _get(http: httpx.AsyncClient) -> None:
    (await http.get("/health")).raise_for_status()
