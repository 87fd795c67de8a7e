"""Removes what has become old: the front of the log, and what features keep for a while."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from app.core.outages import Outage
from app.core.unavailable import POSTGRES_FAILURES, SESSION_FAILURES

logger = logging.getLogger(__name__)

REST_SECONDS = 60.0
PAUSE_SECONDS = 0.1

Chore = Callable[[], Awaitable[int]]
"""Removes a bounded number of what is too old; how many that were, 0: nothing is left."""


class Housekeeping:
    """Every worker does all chores; each must bear that others do it at the same time."""

    rest_seconds = REST_SECONDS

    def __init__(self, chores: Iterable[Chore]) -> None:
        self.chores = list(chores)
        outage = partial(Outage, logger, "a chore failed", "a chore is done again")
        self._outages: defaultdict[Chore, Outage] = defaultdict(outage)

    async def run(self) -> None:
        """Until cancelled. What Postgres refuses, or does not answer, is tried the next time, and
        told of once for each chore: what is not removed grows.
        """
        while True:
            await asyncio.sleep(self.rest_seconds)
            for chore in self.chores:
                await self._finish(chore)

    async def _finish(self, chore: Chore) -> None:
        try:
            while await chore():  # noqa: ASYNC110 - nothing is waited for
                await asyncio.sleep(PAUSE_SECONDS)  # others want the database, too
        except (*POSTGRES_FAILURES, *SESSION_FAILURES) as error:
            self._outages[chore].begin(error)
        else:
            self._outages[chore].end()
