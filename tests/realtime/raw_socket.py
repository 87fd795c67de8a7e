"""A WebSocket client that sends whatever bytes it is told to."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from app.realtime.wire.frames import Opcode

MASK = b"\x11\x22\x33\x44"
SECONDS = 10.0


def frame(opcode: int, data: bytes = b"", *, fin: bool = True, mask: bytes = MASK) -> bytes:
    """A client's frame: masked. `opcode` may have reserved bits set."""
    masked = bytes(byte ^ mask[nth % 4] for nth, byte in enumerate(data))
    return header(opcode | (0x80 if fin else 0), len(data)) + mask + masked


def header(first: int, length: int) -> bytes:
    if length <= 125:
        return bytes((first, 0x80 | length))
    if length <= 0xFFFF:
        return bytes((first, 0xFE)) + length.to_bytes(2)
    return bytes((first, 0xFF)) + length.to_bytes(8)


def close_frame(code: int, reason: str = "") -> bytes:
    return frame(Opcode.CLOSE, code.to_bytes(2) + reason.encode())


def upgrade(path: str = "/", *headers: str) -> bytes:
    """The head of a request."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: tandem.example",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class RawSocket:
    """`head` is what the server answered to the upgrade."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = b""
        self._reader = reader
        self._writer = writer

    @property
    def waiting(self) -> int:
        """Bytes written that the system has not taken."""
        return self._writer.transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def upgrade(self, path: str = "/", *headers: str) -> None:
        self.write(upgrade(path, *headers))
        await self.read_head()

    async def read_head(self) -> None:
        async with asyncio.timeout(SECONDS):
            self.head = await self._reader.readuntil(b"\r\n\r\n")

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and data of the next frame; EOFError if there is none."""
        first, data = await self.whole_frame()
        return first & 0x0F, data

    async def whole_frame(self) -> tuple[int, bytes]:
        """Its first byte, with all its bits, and its data."""
        async with asyncio.timeout(SECONDS):
            first, length = await self._reader.readexactly(2)
            if length >= 126:
                length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8))
            return first, await self._reader.readexactly(length)

    async def closed(self) -> int:
        """The code of the close frame that comes, whatever comes before."""
        while True:
            opcode, data = await self.frame()
            if opcode == Opcode.CLOSE:
                return int.from_bytes(data[:2]) if data else 1005

    async def ended(self) -> bytes:
        """What comes until the server closes the connection; ConnectionError if it is reset."""
        async with asyncio.timeout(SECONDS):
            return await self._reader.read()

    async def problem(self) -> dict[str, Any]:
        """What follows the head of an error, in the one shape that all have."""
        assert b"\r\ncontent-type: application/problem+json\r\n" in self.head.lower()
        told: dict[str, Any] = json.loads(await self.ended())
        assert told.keys() == {"type", "title", "status", "detail", "code", "instance"}
        assert self.head.startswith(f"HTTP/1.1 {told['status']} {told['title']}\r\n".encode())
        return told

    def end(self) -> None:
        """Send nothing more."""
        with suppress(OSError):  # the server has cut it off
            self._writer.write_eof()

    def reset(self) -> None:
        """Vanish as a process does that is killed with bytes unread."""
        self._writer.transport.abort()

    async def leave(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


@asynccontextmanager
async def connected(
    port: int, *, tls: ssl.SSLContext | None = None, receive_buffer: int | None = None
) -> AsyncIterator[RawSocket]:
    """A connection without a handshake; `receive_buffer` bounds what the kernel takes in."""
    plain = socket.socket()
    if receive_buffer is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.settimeout(0)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    name = "localhost" if tls else None
    limit = receive_buffer or 2**20
    reader, writer = await asyncio.open_connection(
        sock=plain, ssl=tls, server_hostname=name, limit=limit
    )
    raw = RawSocket(reader, writer)
    try:
        yield raw
    finally:
        await raw.leave()


@asynccontextmanager
async def opened(
    port: int,
    path: str = "/",
    *,
    tls: ssl.SSLContext | None = None,
    receive_buffer: int | None = None,
) -> AsyncIterator[RawSocket]:
    """A WebSocket."""
    async with connected(port, tls=tls, receive_buffer=receive_buffer) as raw:
        await raw.upgrade(path)
        assert raw.head.startswith(b"HTTP/1.1 101 "), raw.head
        yield raw
