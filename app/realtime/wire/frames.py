"""A server's WebSocket message as bytes: RFC 6455, section 5.2. No I/O.

A server's frames are not masked, so one frame serves every client that is to get the message; and
so does one compressed frame, since no window is kept from message to message (see `deflate`).
"""

from enum import IntEnum

from app.realtime.wire.deflate import deflate

FIN = 0x80
RSV1 = 0x40
SHORT = 125
MEDIUM = 0xFFFF
# Shorter ones go plain: that saves little, and no control frame is longer.
DEFLATED_BYTES = 128


class Opcode(IntEnum):
    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class Message:
    """What is sent as one WebSocket message; its frames are made once.

    `shared`: it goes to whoever needs the same. Only then is it worth compressing.
    """

    __slots__ = ("_deflated", "_shared", "data", "frame", "opcode")

    def __init__(self, data: bytes, opcode: Opcode = Opcode.TEXT, *, shared: bool = False) -> None:
        self.data = data
        self.opcode = opcode
        self.frame = encode_frame(opcode, data)
        self._shared = shared
        self._deflated: bytes | None = None

    @property
    def deflated_frame(self) -> bytes:
        """For those who agreed on compression; the plain frame where that is as short."""
        if self._deflated is None:
            self._deflated = self._deflate()
        return self._deflated

    def _deflate(self) -> bytes:
        if self._shared and len(self.data) >= DEFLATED_BYTES:
            data = deflate(self.data)
            if len(data) < len(self.data):
                return encode_frame(self.opcode | RSV1, data)
        return self.frame


def encode_frame(opcode: int, data: bytes) -> bytes:
    """One whole, unmasked frame; `opcode` may have RSV1 set."""
    size = len(data)
    first = FIN | opcode
    if size <= SHORT:
        return bytes((first, size)) + data
    if size <= MEDIUM:
        return bytes((first, 126)) + size.to_bytes(2) + data
    return bytes((first, 127)) + size.to_bytes(8) + data


def close_payload(code: int, reason: str) -> bytes:
    """The data of a close frame; `reason` is at most 123 bytes of UTF-8."""
    return code.to_bytes(2) + reason.encode()
