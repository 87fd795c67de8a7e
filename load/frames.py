"""Reads WebSocket frames (RFC 6455) as a client receives them: no I/O, and no more than needed.

A few slices a frame instead of a full parser, since the client must not be what is measured. What
a server never sends (masks, extension bits that nobody agreed on) is an error rather than handled;
a message split into fragments is joined, and a compressed one inflated when somebody looks at it.
"""

import zlib
from enum import IntEnum
from typing import NamedTuple

_FINAL = 0x80
_EXTENSION_BITS = 0x70
_COMPRESSED = 0x40
_TAIL = b"\x00\x00\xff\xff"
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
        if self.joined is not None:
            return self.joined
        payload = self.raw[self.begin :]
        return _inflate(payload) if self.raw[0] & _COMPRESSED else payload


class FrameReader:
    """Bytes in, messages out; keeps in `rest` what is not complete yet.

    `compression`: permessage-deflate was agreed on, without context takeover.
    """

    __slots__ = ("_fragments", "_started", "_whole", "rest")

    def __init__(self, *, compression: bool = False) -> None:
        self.rest = b""
        self._whole = WHOLE | _WHOLE_COMPRESSED if compression else WHOLE
        self._fragments: list[bytes] = []
        self._started = Opcode.CONTINUATION

    @property
    def is_idle(self) -> bool:
        """Whether nothing has come of the next message yet."""
        return not self.rest and not self._fragments

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
            if data[position] in self._whole:
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
        joined, self._fragments = b"".join(self._fragments), []
        return [Frame(self._started, frame.raw, frame.begin, joined)]


WHOLE = frozenset((_FINAL | Opcode.TEXT, _FINAL | Opcode.BINARY))
_WHOLE_COMPRESSED = frozenset(_COMPRESSED | first for first in WHOLE)


def _inflate(payload: bytes) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(payload + _TAIL)
    except zlib.error as error:
        raise FrameError(f"the server sent what cannot be inflated: {error}") from None


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
