"""Closing many connections at once, in slices between which the loop serves everybody else."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from time import perf_counter

from app.realtime.fanout.connection import Connection
from app.realtime.fanout.flush import SLICE_SECONDS
from app.realtime.wire.codes import CloseCode


class Closing:
    """The connections that are closed already, but whose clients do not know of it yet."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._left: deque[tuple[Connection, CloseCode]] = deque()
        self._handle: asyncio.Handle | None = None

    def begin(self, connections: Iterable[Connection], close: CloseCode) -> None:
        """From now on nothing more is given or told to any of these, nor taken from it."""
        for connection in connections:
            if not connection.closed:
                connection.closed = True
                self._left.append((connection, close))
        if self._handle is None:
            self._run()

    def finish(self) -> None:
        """Those who are left, at once."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = None
        while self._left:
            self._hang_up_next()

    def _run(self) -> None:
        """One slice."""
        self._handle = None
        deadline = self._clock() + SLICE_SECONDS
        while self._left:
            self._hang_up_next()
            if self._clock() > deadline:
                break
        if self._left:
            self._handle = asyncio.get_running_loop().call_soon(self._run)

    def _hang_up_next(self) -> None:
        connection, close = self._left.popleft()
        connection.hang_up(close)
