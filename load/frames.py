"""Reads WebSocket frames (RFC 6455) as a client receives them: no I/O, and no more than needed.

A few slices a frame instead of a full parser, since the client must not be what is measured. What
a server that negotiated nothing never sends (masks, extension bits) is an error rather than
handled; a message split into fragments is joined.
"""

from enum import IntEnum
from typing import NamedTuple

_FINAL = 0x80
_EXTENSION_BITS = 0x70
_OPCODE = 0x0F
_TWO_BYTE_LENGTH = 126
_EIGHT_BYTE_LENGTH = 127
_HEADER = 2
LONGEST_HEADER = 10
"""Of a frame that a server sends."""


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class FrameError(Exception):
    """The peer sent what no server may send."""


class Frame(NamedTuple):
    """A message or control frame; `raw`: the bytes of the frame that completed it.

    Its payload begins at `begin`, unless earlier fragments had a part of it.
    """

    opcode: int
    raw: bytes
    begin: int
    joined: bytes | None = None

    @property
    def payload(self) -> bytes:
        return self.raw[self.begin :] if self.joined is None else self.joined


class FrameReader:
    """Bytes in, messages out; keeps in `rest` what is not complete yet."""

    __slots__ = ("_fragments", "_started", "rest")

    def __init__(self) -> None:
        self.rest = b""
        self._fragments: list[bytes] = []
        self._started = Opcode.CONTINUATION

    def feed(self, data: bytes) -> list[Frame]:
        """The messages and control frames that are complete now."""
        if self.rest:
            data = self.rest + data
        position, size, found = 0, len(data), []
        while size - position >= _HEADER:
            begin, end = extent(data, position, size)
            if end > size:
                break
            frame = Frame(data[position] & _OPCODE, data[position:end], begin - position)
            if data[position] in WHOLE:
                found.append(frame)
            else:
                found += self._uncommon(data[position], frame)
            position = end
        self.rest = data[position:]
        return found

    def _uncommon(self, first: int, frame: Frame) -> list[Frame]:
        if first & _EXTENSION_BITS:
            raise FrameError("the server set an extension bit that nobody agreed on")
        if frame.opcode >= Opcode.CLOSE:
            return [frame]
        if frame.opcode != Opcode.CONTINUATION:
            self._started, self._fragments = Opcode(frame.opcode), []
        self._fragments.append(frame.payload)
        if not first & _FINAL:
            return []
        joined = b"".join(self._fragments)
        return [Frame(self._started, frame.raw, frame.begin, joined)]


WHOLE = frozenset((_FINAL | Opcode.TEXT, _FINAL | Opcode.BINARY))


def extent(data: bytes | memoryview, position: int, size: int) -> tuple[int, int]:
    """Where the payload of the frame at `position` begins and ends; past `size` if unknown."""
    length = data[position + 1]
    begin = position + _HEADER
    if length < _TWO_BYTE_LENGTH:
        return begin, begin + length
    if length > _EIGHT_BYTE_LENGTH:
        raise FrameError("the server masked a frame")
    begin += 2 if length == _TWO_BYTE_LENGTH else 8
    if begin > size:
        return begin, size + 1
    return begin, begin + int.from_bytes(data[position + _HEADER : begin], "big")
