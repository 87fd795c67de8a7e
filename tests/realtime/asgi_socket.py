"""An ASGI server's side of one WebSocket, by hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from tests.waiting import until


class AsgiSocket:
    """What the application sent, and what it is to receive. While it is `stuck`, nothing of what
    it sends is taken.
    """

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.stuck = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._incoming.put_nowait({"type": "websocket.connect"})

    # ---------------------------------------------- as the application sees it

    async def receive(self) -> Message:
        return await self._incoming.get()

    async def send(self, message: Message) -> None:
        if not self._free.is_set():
            self.stuck.set()
            await self._free.wait()
        self.sent.append(message)

    # --------------------------------------------------------- as a test sees it

    def block(self) -> None:
        """The client stops reading."""
        self._free.clear()

    def unblock(self) -> None:
        self._free.set()

    def say(self, *documents: Any) -> None:
        text = "\n".join(map(json.dumps, documents))
        self.put(text=text)

    def put(self, **content: Any) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", **content})

    def leave(self) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})

    @property
    def documents(self) -> list[Any]:
        texts = [each["text"] for each in self.sent if each["type"] == "websocket.send"]
        return [json.loads(line) for text in texts for line in text.split("\n")]

    @property
    def closed(self) -> int | None:
        codes = [each["code"] for each in self.sent if each["type"] == "websocket.close"]
        return codes[0] if codes else None

    @property
    def denied(self) -> int | None:
        """The status with which the handshake was refused; a close before all else is a 403."""
        if self.sent and self.sent[0]["type"] == "websocket.close":
            return 403
        kind = "websocket.http.response.start"
        statuses = [each["status"] for each in self.sent if each["type"] == kind]
        return statuses[0] if statuses else None

    async def accepted(self) -> Message:
        await until(lambda: bool(self.sent))
        assert self.sent[0]["type"] == "websocket.accept", self.sent
        return self.sent[0]

    async def answer(self, number: int) -> Any:
        await until(lambda: any(each.get("id") == number for each in self.documents))
        return next(each for each in self.documents if each.get("id") == number)


@asynccontextmanager
async def opened(
    asgi: ASGIApp,
    *,
    path: str = "/ws",
    query: str = "",
    subprotocols: tuple[str, ...] = (),
    **headers: str,
) -> AsyncIterator[tuple[AsgiSocket, "asyncio.Task[None]"]]:
    """A socket and the application's call for it; the client has left at the end."""
    socket = AsgiSocket()
    scope: Scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [
            (b"host", b"tandem.example"),
            *((name.encode(), value.encode()) for name, value in headers.items()),
        ],
        "subprotocols": list(subprotocols),
        "extensions": {"websocket.http.response": {}},
    }

    async def call() -> None:
        await asgi(scope, socket.receive, socket.send)

    calling = asyncio.create_task(call())
    try:
        yield socket, calling
    finally:
        socket.unblock()
        socket.leave()
        await asyncio.wait({calling}, timeout=5)
        assert calling.done(), "the application does not let go"
        calling.result()
