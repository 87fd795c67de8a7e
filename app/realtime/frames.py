"""A server's WebSocket message as bytes: RFC 6455, section 5.2. No I/O.

A server's frames are not masked, so one frame serves every client that is to get the message.
"""

from enum import IntEnum

FIN = 0x80
SHORT = 125
MEDIUM = 0xFFFF


class Opcode(IntEnum):
    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class Message:
    """What is sent as one WebSocket message; its frame is made once, when first asked for."""

    __slots__ = ("_frame", "data", "opcode")

    def __init__(self, data: bytes, opcode: Opcode = Opcode.TEXT) -> None:
        self.data = data
        self.opcode = opcode
        self._frame: bytes | None = None

    @property
    def frame(self) -> bytes:
        if self._frame is None:
            self._frame = encode_frame(self.opcode, self.data)
        return self._frame


def encode_frame(opcode: Opcode, data: bytes) -> bytes:
    """One whole, unmasked frame."""
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
