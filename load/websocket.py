"""A WebSocket client as a plain asyncio protocol: no task, no queue, no buffer of its own.

All sockets of a process read into the same memory, since what was read is done with at once.
"""

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import urlsplit

from websockets.frames import Frame as SentFrame
from websockets.frames import Opcode as SentOpcode
from websockets.utils import accept_key, generate_key

from load.frames import Frame, FrameError, FrameReader, Opcode

ABNORMAL = 1006
NO_STATUS = 1005
PROTOCOL_ERROR = 1002
_SWITCHING = 101
_DEFLATE = b"permessage-deflate"
_OFFER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
_HEAD_END = b"\r\n\r\n"
_CODE_BYTES = 2
_READ_BYTES = 512 * 1024
memory = bytearray(_READ_BYTES)
"""What the last read of this process brought."""
_buffer = memoryview(memory)


class Listener(Protocol):
    """What a WebSocket tells. `received` is microseconds since 1970, one value for each read."""

    def opened(self, socket: "WebSocket") -> None: ...

    def text(self, payload: bytes, received: int) -> None:
        """A message, of text or binary."""

    def refused(self, status: int) -> None:
        """The handshake was answered with `status` (0: not with HTTP)."""

    def closed(self, code: int) -> None:
        """Once, after `opened`: the peer's close code, or one from 1002, 1005, 1006."""


@dataclass(frozen=True)
class Address:
    """Where a socket connects to. `compression`: it offers to, and insists."""

    host: str
    port: int
    secure: bool
    authority: str
    path: str
    compression: bool = False

    @classmethod
    def of(cls, url: str, path: str, *, compression: bool = False) -> "Address":
        """From the http(s) address of the target and the path below it."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        path = parts.path.rstrip("/") + path
        return cls(parts.hostname or "", port, secure, parts.netloc, path, compression)

    def tls(self) -> ssl.SSLContext | None:
        """For all sockets to it: to make one reads every certificate that is trusted, which takes
        longer than a handshake. None where it is not https.
        """
        return ssl.create_default_context() if self.secure else None


class WebSocket(asyncio.BufferedProtocol):
    def __init__(self, address: Address, listener: Listener) -> None:
        self.address = address
        self._listener = listener
        self._frames = FrameReader(compression=address.compression)
        self._key = generate_key()
        self._head: bytes | None = b""  # None once the handshake is over
        self._code = ABNORMAL
        self._open = False
        self._transport: asyncio.Transport

    @property
    def is_between_messages(self) -> bool:
        """Open, and nothing has come of the next message yet."""
        return self._head is None and self._code == ABNORMAL and self._frames.is_idle

    def send(self, message: bytes, opcode: Opcode = Opcode.TEXT) -> None:
        self._send(opcode, message)

    def close(self) -> None:
        """Leave at once; the server sees 1006. `closed` is still told."""
        self._transport.abort()

    def pause(self) -> None:
        self._transport.pause_reading()

    def go_on(self) -> None:
        self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        offer = f"Sec-WebSocket-Extensions: {_OFFER}\r\n" if self.address.compression else ""
        self._transport.write(
            (
                f"GET {self.address.path} HTTP/1.1\r\nHost: {self.address.authority}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                f"{offer}Sec-WebSocket-Key: {self._key}\r\n\r\n"
            ).encode()
        )

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return _buffer

    def buffer_updated(self, nbytes: int) -> None:
        received = time.time_ns() // 1000
        try:
            if self._head is None:
                self._take(_buffer[:nbytes], received)
            elif rest := self._shake_hands(self._head + bytes(_buffer[:nbytes])):
                self._take(memoryview(rest), received)
        except FrameError:
            self._code = PROTOCOL_ERROR
            self._transport.abort()

    def _take(self, data: memoryview, received: int) -> None:
        """What came after the handshake; valid only during this call."""
        for frame in self._frames.feed(bytes(data)):
            self._hand_on(frame, received)

    def _hand_on(self, frame: Frame, received: int) -> None:
        if frame.opcode <= Opcode.BINARY:
            self._listener.text(frame.payload, received)
        else:
            self._control(frame.opcode, frame.payload)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # a reset and an end of file are both 1006 unless a close frame came
        if self._open:
            self._listener.closed(self._code)
        elif self._head is not None:
            self._listener.refused(0)

    def _shake_hands(self, data: bytes) -> bytes:
        """Read the answer to the upgrade; return what follows it."""
        head, end, rest = data.partition(_HEAD_END)
        if not end:
            self._head = data
            return b""
        self._head = None
        status = _status(head)
        if status == _SWITCHING and self._is_accepted(head):
            self._open = True
            self._listener.opened(self)
            return rest
        self._listener.refused(status)
        self._transport.abort()
        return b""

    def _is_accepted(self, head: bytes) -> bool:
        agreed = _DEFLATE in head or not self.address.compression
        return agreed and accept_key(self._key).encode() in head

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.PING:
            self._send(Opcode.PONG, payload)
        elif opcode == Opcode.CLOSE:
            code = int.from_bytes(payload[:_CODE_BYTES], "big")
            self._code = code if len(payload) >= _CODE_BYTES else NO_STATUS
            self._send(Opcode.CLOSE, payload[:_CODE_BYTES])
            self._transport.close()

    def _send(self, opcode: Opcode, payload: bytes) -> None:
        self._transport.write(SentFrame(SentOpcode(opcode), payload).serialize(mask=True))


def _status(head: bytes) -> int:
    words = head.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
