"""Closing many connections at once, while the loop goes on."""

from collections.abc import Callable, Iterable
from time import perf_counter

from app.realtime.fanout.connection import Connection
from app.realtime.fanout.slices import Slices
from app.realtime.wire.codes import CloseCode


class Closing:
    """The connections that are closed already, but whose clients do not know of it yet."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._left: Slices[tuple[Connection, CloseCode]] = Slices(_hang_up, clock)

    def begin(self, connections: Iterable[Connection], close: CloseCode) -> None:
        """From now on nothing more is given or told to any of these, nor taken from it."""
        there = [connection for connection in connections if not connection.closed]
        for connection in there:
            connection.closed = True
        self._left.add((connection, close) for connection in there)

    def finish(self) -> None:
        """Those who are left, at once."""
        self._left.finish()


def _hang_up(left: tuple[Connection, CloseCode]) -> None:
    connection, close = left
    connection.hang_up(close)
