"""Handshakes take turns with live connections: see `turns`."""

import asyncio
from functools import partial
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from app.realtime.commands.turns import turns_of
from app.realtime.fanout.transport import Owner, Transport
from app.realtime.runtime import Runtime
from app.realtime.websocket.deflated_socket import DeflatedFrameReader, DeflatedTransport
from app.realtime.websocket.frame_reader import FrameReader
from app.realtime.websocket.opening import open_plain, with_lower_names
from app.realtime.websocket.socket_transport import SocketTransport
from app.realtime.websocket.upgrade import BUSY, SocketProtocol


class Arrival(asyncio.Protocol):
    """What is made of a request for a WebSocket: little more than its head, until its turn.

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
        """First the head, from `door` or uvicorn; then what comes from whoever does not wait."""
        self._data.append(data)
        if len(self._data) > 1 and self._transport is not None:
            self._transport.pause_reading()
        elif not turns_of(asyncio.get_running_loop()).add(self._begin):
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
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        self._connections.discard(self)
        if not self._open_plainly(transport):
            self._go_the_ordinary_way(transport)
        return True

    def _open_plainly(self, transport: asyncio.Transport) -> bool:
        runtime = self._app_state.get("realtime")
        if not isinstance(runtime, Runtime):  # another application, as tests serve
            return False
        opening = open_plain(runtime, self._data[0])
        if opening is None:
            return False
        transport.write(opening.response)
        take_over = partial(self._take_over, deflated=opening.deflated)
        runtime.take_over(take_over, opening.codec, opening.pings)
        return True

    def _take_over(self, owner: Owner, *, deflated: bool) -> Transport:
        """A TakeOver, as the ordinary way offers one by its scope."""
        transport = cast("asyncio.Transport", self._transport)
        make_reader = DeflatedFrameReader if deflated else FrameReader
        make_socket = DeflatedTransport if deflated else SocketTransport
        reader = make_reader(self._config.ws_max_size)
        for data in self._data[1:]:
            reader.feed(data)
        socket = make_socket(transport, owner, reader, self._connections)
        if len(self._data) > 1:
            socket.hand_over(owner)
        return socket

    def _go_the_ordinary_way(self, transport: asyncio.Transport) -> None:
        protocol = self.make_protocol(self._config, self._server_state, self._app_state, self._loop)
        protocol.connection_made(transport)
        transport.set_protocol(protocol)
        head, *more = self._data
        for data in (with_lower_names(head), *more):
            protocol.data_received(data)
