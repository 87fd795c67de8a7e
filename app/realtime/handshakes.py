"""Handshakes take turns with live connections.

When thousands of clients return at once, each turn of the event loop begins only as many
handshakes as fit into a few milliseconds, and the rest wait.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any, cast
from weakref import WeakKeyDictionary

from uvicorn.config import Config
from uvicorn.server import ServerState

from app.realtime.upgrade import SocketProtocol

TURN_SECONDS = 0.003
WAITING_LIMIT = 20_000
FIRST_SHARE = 8
HIGHEST_SHARE = 64
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)

Begin = Callable[[], bool]


class Handshakes:
    """Those that wait, on one event loop.

    A handshake's cost is mostly the application's, in a task of its own that runs right after the
    turn that began it. So the share of a turn follows from what the last one took in all.
    """

    def __init__(
        self, turn_seconds: float = TURN_SECONDS, waiting_limit: int = WAITING_LIMIT
    ) -> None:
        self._turn_seconds = turn_seconds
        self._waiting_limit = waiting_limit
        self._waiting: deque[Begin] = deque()
        self._share = FIRST_SHARE
        self._begun = 0
        self._seconds = 0.0
        self._tasks_since = 0.0
        self._scheduled = False

    def add(self, begin: Callable[[], bool]) -> bool:
        """Have it begun in turn; False: too many wait. `begin` tells whether it did anything."""
        if len(self._waiting) >= self._waiting_limit:
            return False
        self._waiting.append(begin)
        if not self._scheduled:
            self._schedule()
        return True

    def _schedule(self) -> None:
        self._scheduled = True
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._learn()
        if not self._waiting:
            return
        asyncio.get_running_loop().call_soon(self._tasks_begin)
        started = perf_counter()
        try:
            while self._waiting and self._begun < self._share:
                self._begun += self._waiting.popleft()()
                if perf_counter() - started >= self._turn_seconds:
                    break
        finally:
            self._seconds = perf_counter() - started
            self._schedule()  # behind the tasks that were made just now

    def _tasks_begin(self) -> None:
        self._tasks_since = perf_counter()

    def _learn(self) -> None:
        """From the last turn: how many handshakes fit into one."""
        if self._begun:
            took = self._seconds + perf_counter() - self._tasks_since
            fitting = int(self._begun * self._turn_seconds / took)
            self._share = max(1, min(fitting, 2 * self._share, HIGHEST_SHARE))
            self._begun = 0


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Handshakes] = WeakKeyDictionary()


def handshakes_of(loop: asyncio.AbstractEventLoop) -> Handshakes:
    """One for all servers of a loop: uvicorn gives its protocols nothing of ours to share."""
    return _of_loop.setdefault(loop, Handshakes())


class Arrival(asyncio.Protocol):
    """What uvicorn makes of a request for a WebSocket: little more than its head, until its turn.

    The protocol that does the handshake is made then: thousands may wait, and some will leave.
    """

    __slots__ = ("_app_state", "_config", "_data", "_loop", "_server_state", "_transport")

    make_protocol = SocketProtocol

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop
        self._transport: asyncio.Transport | None = None
        self._data: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        """First the head, by uvicorn's hand; then whatever a client sends that does not wait."""
        self._data.append(data)
        if len(self._data) > 1 and self._transport is not None:
            self._transport.pause_reading()
        elif not handshakes_of(asyncio.get_running_loop()).add(self._begin):
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._connections.discard(self)
        self._transport = None
        self._data.clear()

    def shutdown(self) -> None:
        """Ask the client to come back later: too many wait, or the server stops."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(BUSY)
            self._transport.close()

    @property
    def _connections(self) -> set[Any]:
        return cast("set[Any]", self._server_state.connections)

    def _begin(self) -> bool:
        if self._transport is None or self._transport.is_closing():
            return False
        self._connections.discard(self)
        protocol = self.make_protocol(self._config, self._server_state, self._app_state, self._loop)
        protocol.connection_made(self._transport)
        self._transport.set_protocol(protocol)
        for data in self._data:
            protocol.data_received(data)
        return True
