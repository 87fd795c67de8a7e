"""The speaking half of the broker: batches that go to Redis within limits of time."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from redis.asyncio import Redis

from app.core.outages import Outage
from app.core.unavailable import REDIS_FAILURES

logger = logging.getLogger(__name__)

BREAKER_SECONDS = 1.0
WAITING = 1000


class Sender:
    """Publishes one batch at a time; what comes meanwhile makes up the next one.

    After a failure nothing is sent for BREAKER_SECONDS, and what waits is given up.
    `on_outcome(works)` is told how each batch went.
    """

    def __init__(
        self, redis: Redis, timeout_seconds: float, on_outcome: Callable[[bool], None]
    ) -> None:
        self._redis = redis
        self._timeout = timeout_seconds
        self._on_outcome = on_outcome
        self._waiting: list[tuple[str, bytes]] = []
        self._sending: asyncio.Task[None] | None = None
        self._closed_until = 0.0
        self._outage = Outage(logger, "publish failed", "publishing works again")

    @property
    def busy(self) -> bool:
        return self._sending is not None and not self._sending.done()

    @property
    def broken(self) -> bool:
        return asyncio.get_running_loop().time() < self._closed_until

    def offer(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send these, as (topic, data), as soon as may be; dropped where too many wait."""
        if not self.broken and len(self._waiting) < WAITING:
            self._waiting.extend(messages)
            if not self.busy:
                self._sending = asyncio.create_task(self._send_all(), name="broker-publish")

    async def wait(self, seconds: float) -> bool:
        """Whether nothing is under way any more, after so many seconds at most."""
        if self._sending is not None:
            await asyncio.wait({self._sending}, timeout=seconds)
        return not self.busy

    def mend(self) -> None:
        """Redis was heard of: no need to wait."""
        self._closed_until = 0.0

    async def aclose(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    async def _send_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._send(batch)

    async def _send(self, batch: list[tuple[str, bytes]]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for topic, data in batch:
            pipeline.publish(topic, data)
        try:
            async with asyncio.timeout(self._timeout):
                await pipeline.execute()
        except REDIS_FAILURES as error:
            self._outage.begin(error)
            self._closed_until = asyncio.get_running_loop().time() + BREAKER_SECONDS
            self._waiting.clear()
            self._on_outcome(False)  # noqa: FBT003 - the one argument of a port
            await self._redis.connection_pool.disconnect(inuse_connections=False)
        else:
            self._outage.end()
            self._on_outcome(True)  # noqa: FBT003 - as above
