"""How many connections a user has in the cluster; the counts hang on the workers' leases."""

import asyncio
from uuid import UUID

from app.core.config import Settings
from app.core.unavailable import REDIS_FAILURES
from app.realtime.log.broker import PATIENCE_SECONDS
from app.realtime.log.sender import BREAKER_SECONDS
from app.realtime.presence.leases import Leases
from app.realtime.time_limit import TimeLimit


class ConnectionCounts:
    """Lets CONNECTIONS_PER_USER in, 0: all of them.

    A killed worker's connections count until its lease ends. After a FLUSHALL, until every
    worker has written its own again, more may get in. While Redis does not answer in time each
    worker counts for itself, without asking again for BREAKER_SECONDS.
    """

    def __init__(
        self, settings: Settings, leases: Leases, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self.patience = TimeLimit(patience_seconds)
        self._most = settings.connections_per_user
        self._leases = leases
        self._alone_until = 0.0

    async def take(self, user_id: UUID, client_id: str) -> bool:
        """Whether the connection is within the limit; if so it counts until `release`."""
        group, entries = _group(user_id), self._leases.entries
        if not self._most:
            return True
        if entries.count(group) >= self._most:
            return False
        try:
            return await self._ask(group, client_id)
        except REDIS_FAILURES:
            if entries.count(group) >= self._most:
                return False
            entries.put(group, client_id)
            return True
        except asyncio.CancelledError:
            entries.drop(group, client_id)
            raise

    def release(self, user_id: UUID, client_id: str) -> None:
        """It is over. May be said of one that was never let in."""
        self._leases.entries.drop(_group(user_id), client_id)

    async def _ask(self, group: str, client_id: str) -> bool:
        now = asyncio.get_running_loop().time
        if self._leases.away or now() < self._alone_until:
            raise ConnectionError("Redis is away")
        try:
            with self.patience.watch():
                return await self._leases.entries.take(group, client_id, self._most)
        except TimeoutError:
            self._alone_until = now() + BREAKER_SECONDS
            raise


def _group(user_id: UUID) -> str:
    return f"connections:{user_id}"
