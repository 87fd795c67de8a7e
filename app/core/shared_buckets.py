"""The buckets that all workers share, in Redis; while that is away, it says so at once.

A call waits for its patience at most. Then Redis is away: it is not asked for AWAY_SECONDS,
and after that by one call alone, which finds out whether it is back.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError

from app.core.buckets import SECOND, Allowance
from app.core.config import Settings
from app.core.unavailable import REDIS_FAILURES

logger = logging.getLogger(__name__)

AWAY_SECONDS = 1
AWAY = AWAY_SECONDS * SECOND
CONNECTIONS = 8

# KEYS: the bucket. ARGV: interval, size, how many passed before. What was stored is bounded: a
# clock that was set back must keep nobody out.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, size, owed = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local stored = tonumber(redis.call('GET', KEYS[1]) or 0)
local drained_at = math.min(math.max(stored, now), now + 2 * size) + owed * interval
local taken = 0
if drained_at + interval - now <= size then
  taken = 1
  drained_at = drained_at + interval
end
local left = drained_at - now
if left > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', drained_at), 'PX', math.ceil(left / 1000))
end
return {taken, left}
"""


class Answer(NamedTuple):
    taken: bool
    left: int
    """Microseconds until the bucket will have drained."""


class SharedBuckets:
    """One worker's link to them. `now` gives microseconds."""

    def __init__(self, settings: Settings, now: Callable[[], int], patience: float) -> None:
        self._now = now
        self._patience = patience
        self._secret = settings.secret_key.get_secret_value().encode()
        pool = BlockingConnectionPool.from_url(
            settings.redis_url,
            max_connections=CONNECTIONS,
            timeout=settings.redis_timeout_seconds,
            socket_timeout=settings.redis_timeout_seconds,
            socket_connect_timeout=settings.redis_timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            client_name="tandem-rates",
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._script = self._redis.register_script(TAKE)
        self._asking: set[asyncio.Task[Answer | Exception]] = set()
        self._away_until: int | None = None

    def may_ask(self) -> bool:
        """False while Redis is away; after a while true once, for whoever finds out about it."""
        if self._away_until is None:
            return True
        if self._now() < self._away_until:
            return False
        self._away_until = self._now() + AWAY
        return True

    async def take(
        self, allowance: Allowance, caller: str, owed: int, unheard: Callable[[], None]
    ) -> Answer | None:
        """Charge what passed before, and one more if it fits in. None: there was no answer.

        `unheard` is called once there will be none, as far as that can be known; after None, too.
        """
        # When patience ends it goes on, under the client's own time limits: cancelled, the client
        # could lose a connection to its pool.
        question = self._ask(allowance, caller, owed, unheard)
        asking = asyncio.create_task(question, name="rates")
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        for _ in range(2):  # if this loop was late, the answer is there and has only to be read
            await asyncio.wait({asking}, timeout=self._patience / 2)
        answer = asking.result() if asking.done() else TimeoutError("no answer in time")
        if isinstance(answer, Answer):
            self._come_back()
            return answer
        self._stay_away(answer)
        return None

    async def aclose(self) -> None:
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        with suppress(*REDIS_FAILURES):
            await self._redis.aclose()

    def _stay_away(self, error: Exception) -> None:
        if self._away_until is None:
            logger.warning("each worker counts rates for itself", extra={"error": repr(error)})
        self._away_until = self._now() + AWAY

    def _come_back(self) -> None:
        if self._away_until is not None:
            logger.info("rates are counted in Redis again")
        self._away_until = None

    async def _ask(
        self, allowance: Allowance, caller: str, owed: int, unheard: Callable[[], None]
    ) -> Answer | Exception:
        arguments = [allowance.interval, allowance.size, owed]
        try:
            taken, left = await self._script([self._key(allowance, caller)], arguments)
        except REDIS_FAILURES as error:
            unheard()
            if isinstance(error, ReadOnlyError):  # a primary that became a replica: leave it
                await self._redis.connection_pool.disconnect(inuse_connections=False)
            return error
        return Answer(bool(taken), left)

    def _key(self, allowance: Allowance, caller: str) -> str:
        """Short, tells Redis nothing of addresses, and no other deployment has the same."""
        digest = hmac.digest(self._secret, caller.encode(), "sha256")
        return f"tandem:rate:{allowance.name}:{digest[:16].hex()}"
