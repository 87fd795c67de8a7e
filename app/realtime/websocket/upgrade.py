"""From an HTTP upgrade to a WebSocket: uvicorn's protocol class, with frames and a take-over.

uvicorn does the handshake, but for what is agreed on compression. After it the connection is a
SocketTransport, and belongs to the ASGI call (an ordinary route, as on any server) until the app
takes it over. So both ways read and write the same frames.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent, WebSocketCloseEvent, WebSocketSendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from app.core.bare_problems import problem_json, whole_answer
from app.core.errors import PROBLEM_JSON, BadRequest, ServiceUnavailable
from app.realtime.fanout.transport import TAKE_OVER, Owner, Transport
from app.realtime.websocket.deflated_socket import DeflatedFrameReader, DeflatedTransport
from app.realtime.websocket.frame_reader import FrameReader
from app.realtime.websocket.socket_transport import INTERNAL_ERROR, SocketTransport
from app.realtime.wire.deflate import agree
from app.realtime.wire.frames import Message, Opcode

NORMAL = 1000
REASON_BYTES = 123
BUSY = whole_answer(ServiceUnavailable.status, ServiceUnavailable.detail, "Retry-After: 1")
BAD_REQUEST = whole_answer(BadRequest.status, BadRequest.detail)


class Handshake(ServerProtocol):
    """websockets' own, but what it refuses is told as all errors are."""

    path = ""

    def accept(self, request: Request) -> Response:
        self.path = request.path.partition("?")[0]
        return super().accept(request)

    def reject(self, status: StatusLike, text: str) -> Response:
        status = HTTPStatus(status)
        detail = status.description if text in ("", status.phrase) else " ".join(text.split())
        response = super().reject(status, problem_json(status, detail, self.path))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = PROBLEM_JSON
        return response


class SocketProtocol(WebSocketsSansIOProtocol):
    """The owner of its connection while the ASGI call runs. uvicorn's keepalive is not used."""

    make_transport = SocketTransport
    make_deflated_transport = DeflatedTransport

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Without extensions: see `deflate` for what we offer instead.
        self.conn = Handshake(max_size=config.ws_max_size, logger=self.logger)
        self._asked = False
        self._taken_over = False
        self._deflated = False
        self._socket: SocketTransport | None = None
        self._reader = FrameReader(config.ws_max_size)

    # ------------------------------------------------------------------ handshake

    def data_received(self, data: bytes) -> None:
        if not self._asked:
            self._asked = True
            self._ask(data)
        else:  # a client has to wait for our answer, and need not be read before
            self._reader.feed(data)
            self.transport.pause_reading()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.handshake_complete:
            extensions = cast("dict[str, Any]", self.scope["extensions"])
            extensions[TAKE_OVER] = self.take_over
            if self.config.ws_per_message_deflate:
                self._agree(", ".join(event.headers.get_all("Sec-WebSocket-Extensions")))

    def send_500_response(self) -> None:
        if not self.transport.is_closing():
            super().send_500_response()

    def shutdown(self) -> None:
        """The server stops: whose handshake is under way is to come back, to another worker."""
        if self.handshake_complete or self.close_sent:
            super().shutdown()
        elif not self.transport.is_closing():
            self.transport.write(BUSY)
            self.transport.close()

    def start_keepalive(self) -> None:
        """None: `SocketTransport` reads the frames, and the heartbeat sees to the rest."""

    def _agree(self, offers: str) -> None:
        answer = agree(offers)
        if answer is not None:
            self.response.headers["Sec-WebSocket-Extensions"] = answer
            self._deflated = True
            self._reader = DeflatedFrameReader(self.config.ws_max_size)

    def _ask(self, head: bytes) -> None:
        """The request's head: whole, and nothing else."""
        super().data_received(head)
        if not self.handshake_initiated:
            self.handshake_complete = self.close_sent = True
            self.transport.write(b"".join(self.conn.data_to_send()) or BAD_REQUEST)
            self.transport.close()

    def _open(self) -> None:
        """The handshake is done: from here on this is a WebSocket."""
        self.connections.discard(self)
        del self.conn.parser  # a generator that refers to its owner: freed here, not by the gc
        make = self.make_deflated_transport if self._deflated else self.make_transport
        self._socket = make(self.transport, self, self._reader, self.connections)
        self._socket.hand_over(self)

    def take_over(self, owner: Owner) -> Transport:
        """See fanout.transport. Messages that this call has not received go to the owner."""
        if self._socket is None or self._taken_over:
            raise RuntimeError("a WebSocket can be taken over once, after it was accepted")
        self._taken_over = True
        events = [self.queue.get_nowait() for _ in range(self.queue.qsize())]
        held = [_content(event) for event in events if event["type"] == "websocket.receive"]
        if self.disconnected:
            self.loop.call_soon(owner.on_lost)
        else:
            self._socket.hand_over(owner, *held)  # one at most: reading is paused behind it
        return self._socket

    # ---------------------------------------------------------------- as an owner

    def on_message(self, message: str | bytes) -> None:
        kind = "text" if isinstance(message, str) else "bytes"
        self.queue.put_nowait(
            cast("ASGIReceiveEvent", {"type": "websocket.receive", kind: message})
        )
        if self._socket is not None:
            self._socket.pause_reading()

    def on_pong(self) -> None:
        """ASGI has no word for it."""

    def on_paused(self) -> None:
        self.writable.clear()

    def on_writable(self) -> None:
        self.writable.set()

    def on_lost(self) -> None:
        self.disconnected = True
        self.writable.set()
        if self._socket is not None:
            self._tell_disconnect(*self._socket.ended)

    def _tell_disconnect(self, code: int, reason: str) -> None:
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    # ----------------------------------------------------------------------- ASGI

    async def run_asgi(self) -> None:
        code = INTERNAL_ERROR
        try:
            await self.app(self.scope, self.receive, self.send)
            code = NORMAL
        except ClientDisconnected:
            self.logger.debug("the client left before the application")
        except Exception:
            self.logger.exception("Exception in ASGI application")
        finally:
            self._leave(code)

    def _leave(self, code: int) -> None:
        if self._socket is not None:
            if not self._taken_over or code != NORMAL:
                self._socket.close(code, "")
        else:
            if code == NORMAL and not (self.handshake_complete or self.close_sent):
                self.logger.error("ASGI callable returned without completing handshake.")
            self.send_500_response()
            if self.close_timer is None:  # no close handshake is under way
                self.transport.close()
        del self.scope  # holds this object, by way of the take-over

    async def receive(self) -> ASGIReceiveEvent:
        if self._taken_over:
            raise RuntimeError("the WebSocket was taken over")
        event = await super().receive()
        if self._socket is not None and self.queue.empty():
            self._socket.resume_reading()
        return event

    async def send(self, message: ASGISendEvent) -> None:
        if self._socket is not None:
            await self.writable.wait()
            self._send(self._socket, message)
            return
        if self.transport.is_closing():  # the client has left, or the server stops
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.accept":
            self._open()

    def _send(self, socket: SocketTransport, event: ASGISendEvent) -> None:
        if self.close_sent or self._taken_over:
            raise RuntimeError(f"Unexpected ASGI message '{event['type']}' after the last one.")
        if event["type"] == "websocket.send":
            if socket.closing:
                raise ClientDisconnected
            socket.send(_message(event))
        elif event["type"] == "websocket.close":
            self._close(socket, event)
        else:
            raise RuntimeError(f"Unexpected ASGI message '{event['type']}' after the handshake.")

    def _close(self, socket: SocketTransport, event: WebSocketCloseEvent) -> None:
        if not socket.closing:
            code, reason = event.get("code", NORMAL), event.get("reason") or ""
            self._tell_disconnect(code, reason)
            self.close_sent = True
            socket.close(code, _shortened(reason))


def _message(event: WebSocketSendEvent) -> Message:
    data = event.get("bytes")
    if data is not None:
        return Message(data, Opcode.BINARY)
    return Message((event.get("text") or "").encode())


def _content(event: ASGIReceiveEvent) -> str | bytes:
    content = cast("dict[str, Any]", event)
    return cast("str | bytes", content["text"] if "text" in content else content["bytes"])


def _shortened(reason: str) -> str:
    return reason.encode()[:REASON_BYTES].decode(errors="ignore")
