"""How often a caller may do something, counted over all workers.

A caller's bucket is in Redis, for all workers, and beside it in each worker as far as that knows.

- A worker refuses by its own count what that alone knows to be too much. While a caller is far
  from the limit, it lets one CREDIT_PART of the room that was left pass without asking Redis, and
  tells it with the next question; near the limit it asks each time. So W workers keep the rate
  between them, and may exceed a burst by W / CREDIT_PART of it, which then has to drain before
  the caller may go on. A burst of less than CREDIT_PART is exact.
- A call waits for Redis for PATIENCE_SECONDS. While Redis is away each worker counts for itself,
  so W workers let W times as much pass. Once it is back they tell it what has not drained yet.
- Buckets in Redis end when they have drained; a worker keeps those of the CALLERS last seen.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from app.core.buckets import SECOND, Allowance, Bucket
from app.core.config import Settings
from app.core.errors import TooManyRequests
from app.core.shared_buckets import SharedBuckets

CALLERS = 50_000
PATIENCE_SECONDS = 0.05


class Rates:
    """One worker's counts. `clock` gives nanoseconds, `patience` is seconds."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], int] = time.monotonic_ns,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._shared = SharedBuckets(settings, self._now, patience)

    async def require(self, allowance: Allowance, caller: str) -> None:
        """Raises TooManyRequests."""
        if seconds := await self.take(allowance, caller):
            raise TooManyRequests(seconds)

    async def take(self, allowance: Allowance, caller: str) -> float:
        """Seconds until this caller may come again; 0: they may now, and it was counted."""
        if not allowance.interval:
            return 0.0
        bucket = self._bucket(allowance, caller)
        if wait := bucket.take(allowance, self._now()):
            return wait / SECOND
        if bucket.take_credit():
            return 0.0
        if not self._shared.may_ask():
            bucket.unasked += 1
            return 0.0
        owed = bucket.settle(allowance, self._now())
        unheard = partial(bucket.owe, owed + 1)
        answer = await self._shared.take(allowance, caller, owed, unheard)
        if answer is None:
            return 0.0
        wait = bucket.learn(allowance, self._now(), taken=answer.taken, left=answer.left)
        return wait / SECOND

    async def aclose(self) -> None:
        await self._shared.aclose()

    def _now(self) -> int:
        return self._clock() // 1000

    def _bucket(self, allowance: Allowance, caller: str) -> Bucket:
        key = (allowance.name, caller)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._now(), allowance.credit(0))
            if len(self._buckets) > CALLERS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket


async def get_rates(connection: HTTPConnection) -> Rates:
    rates: Rates = connection.state.rates
    return rates


RatesDep = Annotated[Rates, Depends(get_rates)]
