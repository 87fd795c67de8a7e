"""`python -m load.peers.servers.bare_loop PORT FEED_PORT`: Tandem's frames, and nothing else of it.

Who sends a message is subscribed. A line of the feed is `OFFSET JSON`; what came at once goes into
one frame, as it does in Tandem, and that frame is written to each socket in a loop.
"""

import asyncio
import re
import sys
from typing import cast

from websockets.utils import accept_key

from app.realtime.websocket.frame_reader import FrameReader
from app.realtime.websocket.socket_transport import SocketTransport
from app.realtime.wire.codec import JSON
from app.realtime.wire.frames import Message
from load import loop

CHANNEL = "orders"
KEY = re.compile(rb"\r\nsec-websocket-key: *([\w+/=]+)", re.IGNORECASE)
ACCEPT = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {}\r\n\r\n"
)
SUBSCRIBED = b'{"id":1,"connect":{"client":"","version":""}}\n{"id":2,"subscribe":{"offset":%d}}'


class Room:
    def __init__(self) -> None:
        self.sockets: set[SocketTransport] = set()
        self.offset = 0

    def send(self, message: Message) -> None:
        for socket in self.sockets:
            socket.send(message)


class Client(asyncio.Protocol):
    """The handshake, then the owner of what it made the connection into."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._head = b""
        self._transport: asyncio.Transport
        self._socket: SocketTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if not self._head.endswith(b"\r\n\r\n"):
            return
        if key := KEY.search(self._head):
            self._transport.write(ACCEPT.format(accept_key(key[1].decode())).encode())
            self._socket = SocketTransport(self._transport, self, FrameReader(), set())
        else:
            self._transport.abort()

    def on_message(self, message: str | bytes) -> None:
        del message
        self._socket.send(Message(SUBSCRIBED % self._room.offset))
        self._room.sockets.add(self._socket)

    def on_pong(self) -> None:
        """Nobody is pinged here."""

    def on_paused(self) -> None:
        """There is no log to read from later: what comes is buffered."""

    def on_writable(self) -> None:
        """As above."""

    def on_lost(self) -> None:
        self._room.sockets.discard(self._socket)


class Feed(asyncio.Protocol):
    def __init__(self, room: Room) -> None:
        self._room = room
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines:
            self._room.send(Message(JSON.join([self._document(line) for line in lines])))

    def _document(self, line: bytes) -> bytes:
        offset, _, payload = line.partition(b" ")
        self._room.offset = int(offset)
        return JSON.publication(CHANNEL, self._room.offset, payload)


async def serve(port: int, feed_port: int) -> None:
    here, room = asyncio.get_running_loop(), Room()
    server = await here.create_server(lambda: Client(room), "127.0.0.1", port, backlog=1024)
    await here.create_server(lambda: Feed(room), "127.0.0.1", feed_port)
    await server.serve_forever()


if __name__ == "__main__":
    loop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
