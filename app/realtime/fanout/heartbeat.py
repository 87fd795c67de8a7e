"""Pings, pongs and time-outs of all connections, from one wheel per worker."""

import asyncio
import random
from collections.abc import Callable
from math import inf

from app.core import metrics
from app.core.config import Settings
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.lag import Lag
from app.realtime.fanout.timing import Pings, Timing
from app.realtime.fanout.wheel import LATE_SECONDS, Wheel
from app.realtime.wire.codes import CloseCode

STALL_LOOKS = 4
UNHEARD_SECONDS = 1.0


class Heartbeat:
    """Whoever says nothing, does not answer, does not renew its token or does not read.

    `clock` gives seconds; unless it is given, the loop's counts.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._patience = settings.stalled_seconds or inf
        self._wheel: Wheel[Connection] = Wheel(self._on_due)
        self._lag = Lag()

    async def run(self) -> None:
        await self._wheel.run()

    def opened(self, connection: Connection) -> None:
        """A connection that says nothing is closed as stale."""
        now = self._now()
        if self._settings.connect_seconds:
            connection.timing.connect_by = now + self._settings.connect_seconds
        self._schedule(connection, now)

    def identified(self, connection: Connection, ttl: float) -> None:
        """It has shown a token that counts for `ttl` seconds; the first one starts the pings."""
        timing, now = connection.timing, self._now()
        if timing.next_ping is None and timing.pings is not Pings.NONE:
            timing.next_ping = now + self._spread()
        timing.connect_by = None
        timing.refresh_by = now + ttl + self._settings.expired_close_seconds
        self._schedule(connection, now)

    def blocked(self, connection: Connection) -> None:
        """Something waits, and its transport takes no more: from now on it has to get on."""
        now = self._now()
        self._begin_patience(connection, now)
        self._schedule(connection, now)

    def closed(self, connection: Connection) -> None:
        self._lag.discard(connection)
        self._wheel.remove(connection)

    def measure_lag(self) -> None:
        """The furthest that a cursor is behind; only those that were blocked can be."""
        metrics.CURSOR_LAG.set(self._lag.measure())

    def _on_due(self, connection: Connection) -> float | None:
        if connection.closed:
            return None
        timing, now = connection.timing, self._now()
        self._look_at_backlog(connection, now)
        self._look_at_unheard(connection, now)
        overdue = self._overdue(connection, now)
        if overdue is not None:
            connection.close(overdue)
            return None
        if timing.next_ping is not None and timing.next_ping <= now:
            late = now - timing.next_ping > LATE_SECONDS  # as all others are, then
            timing.next_ping = now + (self._spread() if late else self._settings.ping_seconds)
            # Even behind a backlog: without any, a client that is kept busy would take the
            # connection for dead. But only one at a time, since `pinged` allows one pong.
            if not timing.pinged:
                self._ping(connection, now)
        return self._next_look(timing, now)

    def _next_look(self, timing: Timing, now: float) -> float | None:
        if timing.stalled_by is None or timing.next is None:
            return timing.next
        look = min(timing.next, now + self._patience / STALL_LOOKS)
        return look if look < inf else None

    def _ping(self, connection: Connection, now: float) -> None:
        connection.ping()
        connection.timing.pinged = True
        connection.timing.await_pong(now + self._settings.pong_seconds)

    def _look_at_backlog(self, connection: Connection, now: float) -> None:
        """As long as anything leaves, the client is alive, and its pong waits behind the rest."""
        timing = connection.timing
        if timing.stalled_by is None:
            return
        if connection.transport.writable:
            timing.stalled_by = None
        elif connection.transport.progress != timing.progress:
            timing.progress = connection.transport.progress
            timing.stalled_by = now + self._patience
        else:
            return
        if timing.pong_by is not None:
            timing.await_pong(now + self._settings.pong_seconds)

    def _look_at_unheard(self, connection: Connection, now: float) -> None:
        """Whoever is late because we are is looked at again. Nothing is read of a client until it
        has taken what was written to it: that has to get on then, and the pong can wait.
        """
        timing = connection.timing
        if timing.pong_due is None or timing.pong_due > now:
            return
        if not connection.transport.writable:
            self._begin_patience(connection, now)
        elif timing.may_have_answered:
            timing.pong_by = now + UNHEARD_SECONDS

    def _begin_patience(self, connection: Connection, now: float) -> None:
        self._lag.add(connection)
        connection.timing.stalled_by = now + self._patience
        connection.timing.progress = connection.transport.progress

    def _overdue(self, connection: Connection, now: float) -> CloseCode | None:
        timing = connection.timing
        for deadline, close in (
            (timing.connect_by, CloseCode.STALE),
            (timing.stalled_by, CloseCode.STALLED),
            (timing.pong_due, CloseCode.NO_PONG),
            (timing.refresh_by, CloseCode.EXPIRED),
        ):
            if deadline is not None and deadline <= now:
                return close
        return None

    def _spread(self) -> float:
        """Up to the next ping, so that those of many do not bunch."""
        return self._settings.ping_seconds * (0.5 + random.random() / 2)  # noqa: S311 - jitter

    def _schedule(self, connection: Connection, now: float) -> None:
        when = self._next_look(connection.timing, now)
        if when is not None:
            self._wheel.schedule(connection, when)

    def _now(self) -> float:
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()
