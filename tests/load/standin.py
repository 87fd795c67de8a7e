"""A stand-in for the socket of a Tandem server: says what a test tells it to."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

START = 200
"""The offset of the head at each subscribe."""

CONNECTED = '{"id":1,"connect":{"client":"a","version":"1","ping":25,"pong":true}}'
SUBSCRIBED = f'{{"id":2,"subscribe":{{"recoverable":true,"epoch":"e","offset":{START}}}}}'
DENIED = '{"id":2,"error":{"code":103,"message":"permission denied"}}'


def publication(
    offset: int, at: str = "2026-01-01T00:00:00.000000Z", channel: str = "orders"
) -> str:
    data = {"type": "order.created", "id": "x", "at": at, "order": {}}
    push = {"push": {"channel": channel, "pub": {"data": data, "offset": offset}}}
    return json.dumps(push, separators=(",", ":"))


@dataclass
class StandIn:
    """Sends `script` message by message to each connection, then closes with `close_code` if any.

    `heard` is what came after connect and subscribe.
    """

    script: Sequence[str]
    close_code: int | None = None
    url: str = ""
    commands: list[str] = field(default_factory=list)
    heard: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    sockets: list[ServerConnection] = field(default_factory=list)
    """All that there ever were."""

    async def say(self, message: str) -> None:
        """To all that are there."""
        for socket in self.sockets:
            with suppress(ConnectionClosed):
                await socket.send(message)

    async def serve_one(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        self.commands += str(await socket.recv()).split("\n")
        for message in self.script:
            await socket.send(message)
        if self.close_code:
            await socket.close(self.close_code)
        async for answer in socket:
            self.heard.put_nowait(str(answer))


def _health(socket: ServerConnection, request: Request) -> Response | None:
    return socket.respond(HTTPStatus.OK, "ok") if request.path == "/health" else None


@asynccontextmanager
async def standin(*script: str, close_code: int | None = None) -> AsyncIterator[StandIn]:
    served = StandIn(script, close_code)
    async with serve(
        served.serve_one, "127.0.0.1", 0, compression=None, process_request=_health
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        served.url = f"http://127.0.0.1:{port}"
        yield served
