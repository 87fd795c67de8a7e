"""The speaking half of the broker: batches that go to Redis within limits of time."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress

from redis.asyncio import Redis

from app.core.outages import Outage
from app.core.unavailable import REDIS_FAILURES
from app.realtime.log.link import Link

logger = logging.getLogger(__name__)

BREAKER_SECONDS = 1.0
WAITING = 1000


class Sender:
    """Publishes one batch at a time by a connection of its own, which the first one opens; what
    comes meanwhile makes up the next one.

    After a failure nothing is sent for BREAKER_SECONDS, and what waits is given up.
    `on_outcome(works)` is told how each batch went.
    """

    def __init__(
        self, redis: Redis, timeout_seconds: float, on_outcome: Callable[[bool], None]
    ) -> None:
        self._redis = redis
        self._timeout = timeout_seconds
        self._on_outcome = on_outcome
        self._link: Link | None = None
        self._anew = False
        self._opening: asyncio.Task[None] | None = None
        self._waiting: list[tuple[str, bytes]] = []
        self._unanswered = 0
        self._limit: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed_until = 0.0
        self._outage = Outage(logger, "publish failed", "publishing works again")

    @property
    def busy(self) -> bool:
        return not self._idle.is_set()

    @property
    def broken(self) -> bool:
        return asyncio.get_running_loop().time() < self._closed_until

    def offer(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send these, as (topic, data), as soon as may be; dropped where too many wait."""
        if not self.broken and len(self._waiting) < WAITING:
            self._waiting.extend(messages)
            if self._waiting and not self.busy:
                self._idle.clear()
                self._send()

    async def wait(self, seconds: float) -> bool:
        """Whether nothing is under way any more, after so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        return not self.busy

    def mend(self) -> None:
        """Redis was heard of: no need to wait."""
        self._closed_until = 0.0

    def connect_anew(self) -> None:
        """For the next batch: one that is under way may be answered yet."""
        self._anew = True

    async def aclose(self) -> None:
        """What is under way is given up."""
        opening = self._opening
        self._close()
        if opening is not None:
            await asyncio.gather(opening, return_exceptions=True)

    # ------------------------------------------------------------------- a batch

    def _send(self) -> None:
        """All that waits, within the limit of time from now on."""
        self._limit = asyncio.get_running_loop().call_later(self._timeout, self._give_up)
        if self._link is not None and self._link.is_open and not self._anew:
            self._write(self._link)
        else:
            self._anew = False
            self._close_link()  # its end may be told only later
            self._opening = asyncio.create_task(self._open(), name="broker-open")

    async def _open(self) -> None:
        try:
            link = await Link.open(self._redis, self._take, self._on_end)
        except REDIS_FAILURES as error:
            if self._opening is asyncio.current_task():
                self._fail(error)
            return
        if self._opening is asyncio.current_task():
            self._link = link
            self._write(link)
        else:  # it was given up, and the library has swallowed that
            link.close()

    def _write(self, link: Link) -> None:
        batch, self._waiting = self._waiting, []
        self._unanswered = len(batch)
        link.publish(batch)

    def _take(self, reply: object) -> None:
        if not isinstance(reply, int):  # what Redis tells unasked
            return
        self._unanswered -= 1
        if self._unanswered == 0:
            self._succeed()

    def _on_end(self, error: BaseException | None) -> None:
        if error is not None and self.busy:
            self._fail(error)

    def _give_up(self) -> None:
        self._fail(TimeoutError("Redis did not answer in time"))

    def _succeed(self) -> None:
        self._outage.end()
        if self._waiting:
            self._end_limit()
            self._send()
        else:
            self._end_batch()
        self._on_outcome(True)  # noqa: FBT003 - the one argument of a port

    def _fail(self, error: BaseException) -> None:
        self._outage.begin(error)
        self._closed_until = asyncio.get_running_loop().time() + BREAKER_SECONDS
        self._close()
        self._on_outcome(False)  # noqa: FBT003 - the one argument of a port

    def _close(self) -> None:
        self._waiting.clear()
        self._end_batch()
        self._close_link()

    def _end_batch(self) -> None:
        self._end_limit()
        opening, self._opening = self._opening, None
        if opening is not None and opening is not asyncio.current_task():
            opening.cancel()
        self._idle.set()

    def _end_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()
