"""Pings, pongs and time-outs of all connections, from one wheel per worker."""

import asyncio
import random

from app.core.config import Settings
from app.realtime.connection import Connection
from app.realtime.protocol import CloseCode
from app.realtime.wheel import Wheel


class Heartbeat:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wheel: Wheel[Connection] = Wheel(self._on_due)

    async def run(self) -> None:
        await self._wheel.run()

    def opened(self, connection: Connection) -> None:
        """A connection that says nothing is closed as stale."""
        if self._settings.connect_seconds:
            connection.timing.connect_by = self._now() + self._settings.connect_seconds
        self._schedule(connection)

    def identified(self, connection: Connection, ttl: float) -> None:
        """It has shown a token that counts for `ttl` seconds; the first one starts the pings."""
        timing, now = connection.timing, self._now()
        if timing.next_ping is None:  # spread over the interval, so that pings do not bunch
            interval = self._settings.ping_seconds
            timing.next_ping = now + interval * (0.5 + random.random() / 2)  # noqa: S311 - jitter
        timing.connect_by = None
        timing.refresh_by = now + ttl + self._settings.expired_close_seconds
        self._schedule(connection)

    def closed(self, connection: Connection) -> None:
        self._wheel.remove(connection)

    def _on_due(self, connection: Connection) -> float | None:
        timing, now = connection.timing, self._now()
        overdue = self._overdue(connection, now)
        if connection.closed:
            return None
        if overdue is not None:
            connection.close(overdue)
            return None
        if timing.next_ping is not None and timing.next_ping <= now:
            connection.ping()
            timing.pong_by = timing.pong_by or now + self._settings.pong_seconds
            timing.next_ping = now + self._settings.ping_seconds
        return timing.next

    def _overdue(self, connection: Connection, now: float) -> CloseCode | None:
        timing = connection.timing
        for deadline, close in (
            (timing.connect_by, CloseCode.STALE),
            (timing.pong_by, CloseCode.NO_PONG),
            (timing.refresh_by, CloseCode.EXPIRED),
        ):
            if deadline is not None and deadline <= now:
                return close
        return None

    def _schedule(self, connection: Connection) -> None:
        when = connection.timing.next
        if when is not None:
            self._wheel.schedule(connection, when)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
