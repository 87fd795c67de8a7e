"""The socket: GET /ws, and /connection/websocket, where SDKs look.

What comes here was not answered by `opening` already: another server carries it, or it is out of
the ordinary. Where the server lets it, the connection is taken over once the handshake is done and
the route ends. Otherwise it stays an ordinary ASGI route, which any server can carry: one task
reads, one writes.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.core.errors import ServiceUnavailable, render
from app.core.logging import connection_id
from app.realtime.commands.dispatch import receive
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.timing import Pings
from app.realtime.fanout.transport import find_take_over
from app.realtime.runtime import Runtime
from app.realtime.websocket.opening import FORBIDDEN, negotiate, pings_of, refusal
from app.realtime.wire.codes import CloseCode
from app.realtime.wire.frames import Message, Opcode

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
BYTES_A_CHARACTER = 4
"""At most, in UTF-8."""

router = APIRouter()


class AsgiTransport:
    """A Writer by way of ASGI's `send`: one message at a time, the next when it was taken."""

    close_seconds = CLOSE_SECONDS

    def __init__(self, websocket: WebSocket) -> None:
        self.on_writable: Callable[[], None] = lambda: None
        self._websocket = websocket
        self.progress = 0
        self._messages: list[Message] = []
        self._sending = False
        self._closing: tuple[int, str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    @property
    def writable(self) -> bool:
        return not self._messages and not self._sending and self._closing is None

    def send(self, message: Message) -> None:
        self._messages.append(message)
        self._wake.set()

    def close(self, code: int, reason: str) -> None:
        if self._closing is not None:
            return
        self._closing = (code, reason)
        self._wake.set()
        if self._task is not None:  # the client may have stopped reading for good
            asyncio.get_running_loop().call_later(self.close_seconds, self._task.cancel)

    async def run(self) -> None:
        """Write until the connection is closed from either side."""
        self._task = asyncio.current_task()
        with suppress(WebSocketDisconnect, RuntimeError):
            while self._closing is None:
                await self._wake.wait()
                self._wake.clear()
                await self._write()
                self.on_writable()
            async with asyncio.timeout(self.close_seconds):
                await self._write()
                code, reason = self._closing
                await self._websocket.close(code, reason)

    async def _write(self) -> None:
        self._sending = True
        try:
            while self._messages:
                message = self._messages.pop(0)
                if message.opcode is Opcode.BINARY:
                    await self._websocket.send_bytes(message.data)
                else:
                    await self._websocket.send_text(message.data.decode())
                self.progress += 1
        finally:
            self._sending = False


@router.websocket("/ws")
@router.websocket("/connection/websocket")
async def serve_socket(websocket: WebSocket) -> None:
    runtime: Runtime = websocket.state.realtime
    if (status := refusal(runtime, websocket.headers)) is not None:
        await _refuse(websocket, status)
        return
    offered = websocket.scope.get("subprotocols", [])
    subprotocol, codec = negotiate(offered, websocket.query_params)
    await websocket.accept(subprotocol=subprotocol)
    take_over, pings = find_take_over(websocket.scope), pings_of(websocket.query_params)
    if take_over is not None and runtime.settings.take_over == "on":
        runtime.take_over(take_over, codec, pings)
        return
    transport = AsgiTransport(websocket)
    connection = runtime.open(transport, codec)
    if pings is Pings.FRAMES:  # which are the server's here
        connection.timing.pings = Pings.NONE
    try:
        connection_id.set(connection.id)
        transport.on_writable = connection.resume
        await _carry(runtime, connection, transport, websocket)
    finally:
        runtime.close(connection)


async def _refuse(websocket: WebSocket, status: int) -> None:
    """By a close where that says enough: uvicorn's own protocols log an error for each response."""
    if status == FORBIDDEN:
        await websocket.close()
    else:
        await websocket.send_denial_response(render(websocket, ServiceUnavailable()))


async def _carry(
    runtime: Runtime, connection: Connection, transport: AsgiTransport, websocket: WebSocket
) -> None:
    """Until one of the two tasks is done: the client left, or the server closed."""
    reading = asyncio.create_task(_read(runtime, connection, websocket))
    writing = asyncio.create_task(transport.run())
    try:
        await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
        if connection.closed:
            await asyncio.wait({writing}, timeout=CLOSE_SECONDS)
    finally:
        for task in (reading, writing):
            task.cancel()
        for outcome in await asyncio.gather(reading, writing, return_exceptions=True):
            if isinstance(outcome, Exception):
                logger.error("connection failed", exc_info=outcome)


async def _read(runtime: Runtime, connection: Connection, websocket: WebSocket) -> None:
    """Hand each message to the commands; while writing is paused nothing more is read."""
    limit = runtime.settings.max_message_bytes
    while not connection.closed:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data: str | bytes = message.get("text") or message.get("bytes") or ""
        if limit and is_longer(data, limit):
            connection.close(CloseCode.MESSAGE_TOO_BIG)
        else:
            await _carry_out(runtime, connection, data)
        await connection.writable()


async def _carry_out(runtime: Runtime, connection: Connection, message: str | bytes) -> None:
    """What came behind this message waits in the server meanwhile."""
    timing = connection.timing
    timing.unheard, timing.held_back = 1, True
    await receive(runtime.stations, connection, message)
    timing.heard()
    timing.held_back = False


def is_longer(data: str | bytes, limit: int) -> bool:
    """Whether it has more than so many bytes, as it came in: text in UTF-8."""
    if isinstance(data, str) and len(data) <= limit < len(data) * BYTES_A_CHARACTER:
        data = data.encode()
    return len(data) > limit
