"""Reads WebSocket frames (RFC 6455) as a client receives them: no I/O, and no more than needed.

A few slices a frame instead of a full parser, since the client must not be what is measured. What a
Tandem server never sends (masks, extension bits) is an error rather than handled; a message split
into fragments is joined.
"""

from enum import IntEnum

_FINAL = 0x80
_EXTENSION_BITS = 0x70
_OPCODE = 0x0F
_TWO_BYTE_LENGTH = 126
_EIGHT_BYTE_LENGTH = 127
_HEADER = 2


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class FrameError(Exception):
    """The peer sent what no server may send."""


class FrameReader:
    """Bytes in, messages out; keeps what is not complete yet."""

    __slots__ = ("_fragments", "_rest", "_started")

    def __init__(self) -> None:
        self._rest = b""
        self._fragments: list[bytes] = []
        self._started = Opcode.CONTINUATION

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages and control frames that are complete now, as (opcode, payload)."""
        if self._rest:
            data = self._rest + data
        position, size, found = 0, len(data), []
        while size - position >= _HEADER:
            begin, end = _extent(data, position, size)
            if end > size:
                break
            first = data[position]
            payload = data[begin:end]
            position = end
            if first == _FINAL | Opcode.TEXT:
                found.append((int(Opcode.TEXT), payload))
            else:
                found += self._uncommon(first, payload)
        self._rest = data[position:]
        return found

    def _uncommon(self, first: int, payload: bytes) -> list[tuple[int, bytes]]:
        if first & _EXTENSION_BITS:
            raise FrameError("the server set an extension bit that nobody agreed on")
        opcode = first & _OPCODE
        if opcode >= Opcode.CLOSE:
            return [(opcode, payload)]
        if opcode != Opcode.CONTINUATION:
            self._started, self._fragments = Opcode(opcode), []
        self._fragments.append(payload)
        return [(self._started, b"".join(self._fragments))] if first & _FINAL else []


def _extent(data: bytes, position: int, size: int) -> tuple[int, int]:
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
