"""One event a message, sent into a WebSocket: Nchan takes them so without a request for each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from load.errors import LoadError
from load.source import Made, Paced
from load.websocket import Address, WebSocket


class Publisher(Paced):
    """The Listener of its own socket; what the server answers does not matter."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: asyncio.Future[WebSocket] = asyncio.get_running_loop().create_future()
        self._ended = ""

    async def publish(self, events: list[Made]) -> None:
        if self._ended:
            raise LoadError.unreachable(f"the server did not take an event: {self._ended}")
        socket = await self.ready
        for event in events:
            socket.send(event.numbered)

    def opened(self, socket: WebSocket) -> None:
        self.ready.set_result(socket)

    def text(self, payload: bytes, received: int) -> None:
        """A receipt."""

    def refused(self, status: int) -> None:
        self.ready.set_exception(LoadError.unreachable(f"the server cannot be fed: {status}"))

    def closed(self, code: int) -> None:
        self._ended = f"close {code}"


@asynccontextmanager
async def into(url: str, path: str) -> AsyncIterator[Publisher]:
    publisher, address = Publisher(), Address.of(url, path)
    await asyncio.get_running_loop().create_connection(
        lambda: WebSocket(address, publisher), address.host, address.port
    )
    socket = await publisher.ready
    try:
        yield publisher
    finally:
        socket.close()
