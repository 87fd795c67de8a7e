"""How far the cursors of clients that do not read are behind, in slices: there may be thousands
of them, and then time is short.
"""

from collections.abc import Callable
from time import perf_counter

from app.realtime.fanout.connection import Connection

SLICE_SECONDS = 0.002


class Lag:
    """Goes round those that were blocked, again and again.

    Who caught up is kept until it was looked at: blocked again before, it is not told anew.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._behind: set[Connection] = set()
        self._round: list[Connection] = []  # who is left to be looked at
        self._furthest = 0  # in this round so far
        self._before = 0  # in the last one

    def add(self, connection: Connection) -> None:
        """It is blocked."""
        self._behind.add(connection)

    def discard(self, connection: Connection) -> None:
        self._behind.discard(connection)

    def measure(self) -> int:
        """Go on for one slice. The furthest of the last round counts until this one is complete,
        unless it has found more by then.
        """
        if not self._round:
            self._round = list(self._behind)
        until = self._clock() + SLICE_SECONDS
        while self._round and self._clock() < until:
            self._look_at(self._round.pop())
        if not self._round:
            self._before, self._furthest = self._furthest, 0
            return self._before
        return max(self._before, self._furthest)

    def _look_at(self, connection: Connection) -> None:
        if connection not in self._behind:
            return
        stalled = connection.timing.stalled_by is not None
        if connection.closed or not (stalled or connection.is_behind):
            self._behind.discard(connection)
        else:
            self._furthest = max(self._furthest, connection.lag)
