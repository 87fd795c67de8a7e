"""What uvicorn makes of each new connection: its first bytes tell whether it becomes a socket.

A request that plainly asks for a WebSocket at one of our paths goes to `handshakes` as it came, and
no HTTP parser is ever made for it. Everything else is uvicorn's, within bounds.
"""

import asyncio
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from app.realtime.websocket.bounded_http import BoundedHttpProtocol, arrivals_of
from app.realtime.websocket.handshakes import Arrival
from app.realtime.websocket.opening import PATHS

STARTS = tuple(f"GET {path}{end}".encode() for path in PATHS for end in (" ", "?"))
HEAD_END = b"\r\n\r\n"
UPGRADE = b"\r\nupgrade: websocket\r\n"
CONNECTION = b"\r\nconnection: upgrade\r\n"
KEPT_CONNECTION = b"\r\nconnection: keep-alive, upgrade\r\n"


class Door(asyncio.Protocol):
    """Until the first bytes, for CONNECT_SECONDS at most. Takes what uvicorn gives a protocol of
    HTTP.
    """

    __slots__ = ("_app_state", "_config", "_limit", "_loop", "_server_state", "_transport", "due")

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
        self._limit = arrivals_of(app_state)
        self.due = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        self._limit.begin(self)

    def data_received(self, data: bytes) -> None:
        self._connections.discard(self)
        self._limit.end(self)
        make = Arrival if asks_for_socket(data) else BoundedHttpProtocol
        protocol = make(self._config, self._server_state, self._app_state, self._loop)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._connections.discard(self)
        self._limit.end(self)

    def expire(self) -> None:
        self._transport.close()

    def shutdown(self) -> None:
        """The server stops, and nothing was asked yet."""
        self._transport.close()

    @property
    def _connections(self) -> set[Any]:
        return cast("set[Any]", self._server_state.connections)


def asks_for_socket(data: bytes) -> bool:
    """Whether this is one whole head, and plainly an upgrade at a path of ours."""
    if not data.startswith(STARTS) or data.find(HEAD_END) != len(data) - len(HEAD_END):
        return False
    head = data.lower()
    return UPGRADE in head and (CONNECTION in head or KEPT_CONNECTION in head)
