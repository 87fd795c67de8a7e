"""What a client's bytes say: RFC 6455, sections 5 to 8. No I/O.

Feed it bytes, then take events until there are none left. Each is one frame, so what nobody takes
stays as bytes. Between messages it holds nothing; of a message that has not arrived in full it
holds no more than the limit.
"""

import sys
from codecs import utf_8_decode
from typing import NamedTuple

from app.realtime.wire.frames import FIN, MEDIUM, RSV1, SHORT, Opcode

try:
    from websockets.speedups import apply_mask
except ImportError:  # no C extension for this platform
    from websockets.utils import apply_mask

MASKED = 0x80
RESERVED = 0x70
CONTROL = 0x08
OPCODE = 0x0F
MASK_BYTES = 4
MEDIUM_BYTES = 2
LONG_BYTES = 8
HIGHEST_LENGTH = 2**63 - 1

PROTOCOL_ERROR = 1002
NO_CODE = 1005
INVALID_DATA = 1007
TOO_BIG = 1009

# Plain integers: a member of an enumeration takes several times as long to look up.
CONTINUATION, TEXT, BINARY, _, PING, PONG = map(int, Opcode)
OPCODES = frozenset(map(int, Opcode))
FIRST_BYTES = frozenset(
    {CONTINUATION, TEXT, BINARY, *(FIN | opcode for opcode in OPCODES)}  # control: only with FIN
)
# Registered at IANA and allowed in a frame; 3000 to 4999 are for libraries and applications.
CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})


class Ping(NamedTuple):
    data: bytes


class Pong(NamedTuple):
    data: bytes


class Close(NamedTuple):
    """`code` is 1005 if the frame held none."""

    code: int
    reason: str


class Fragment(NamedTuple):
    """A frame of so many bytes was read whose message goes on."""

    length: int


Event = str | bytes | Ping | Pong | Close | Fragment


class FrameError(Exception):
    """The client broke the rules: close with this code; nothing more can be read from it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class PartialMessage:
    """A message that has not arrived in full, and what its current frame still lacks."""

    __slots__ = ("_checked", "_mask", "data", "fin", "lacking", "length", "text")

    def __init__(self, *, text: bool) -> None:
        self.data = bytearray()
        self.text = text
        self.fin = False
        self.length = self.lacking = 0
        self._mask = b""
        self._checked = 0

    def begin_frame(self, *, fin: bool, length: int, mask: bytes) -> None:
        self.fin = fin
        self.length = self.lacking = length
        self._mask = mask

    def add(self, masked: bytes) -> None:
        """Of the current frame. UnicodeDecodeError as soon as a text cannot become valid."""
        self.data += apply_mask(masked, self._mask)
        self.lacking -= len(masked)
        turned = len(masked) % MASK_BYTES
        self._mask = self._mask[turned:] + self._mask[:turned]
        if self.text:
            _, valid = utf_8_decode(self.data[self._checked :], "strict", False)  # noqa: FBT003
            self._checked += valid

    def message(self) -> str | bytes:
        return self.data.decode() if self.text else bytes(self.data)


class FrameReader:
    """`limit` is in bytes of a message, however many frames it takes; None or 0: no limit.

    `first_bytes`: how a frame may begin.
    """

    __slots__ = ("_at", "_data", "_limit", "_partial")

    first_bytes = FIRST_BYTES

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit or sys.maxsize
        self._data = b""
        self._at = 0
        self._partial: PartialMessage | None = None

    def feed(self, data: bytes) -> None:
        self._data = self._data[self._at :] + data if self._data else data
        self._at = 0

    def next_event(self) -> Event | None:
        """What comes next, or None if its frame has not arrived in full. Raises FrameError."""
        if not self._data:
            return None
        try:
            if self._partial is not None and self._partial.lacking:
                return self._fill(self._partial)
            frame = self._next_frame()
            if frame is not None:
                return self._read(*frame)
        except UnicodeDecodeError:
            raise FrameError(INVALID_DATA, "text is not UTF-8") from None
        self._data, self._at = self._data[self._at :], 0
        return None

    def _next_frame(self) -> tuple[int, int, int] | None:
        """First byte, where the data starts and its length; None: more is needed to tell.

        A control frame counts once all of it is there.
        """
        data, at = self._data, self._at
        if len(data) < at + 2:
            return None
        first, length = data[at], data[at + 1] & ~MASKED
        self._check(first, data[at + 1])
        start = at + 2 + MASK_BYTES
        if length > SHORT:
            start += MEDIUM_BYTES if length == SHORT + 1 else LONG_BYTES
        if len(data) < start + (length if first & CONTROL else 0):
            return None
        if length > SHORT:
            length = _long_length(data[at + 2 : start - MASK_BYTES])
        return first, start, length

    def _check(self, first: int, second: int) -> None:
        if first not in self.first_bytes:
            raise FrameError(PROTOCOL_ERROR, _what_is_wrong(first))
        if not second & MASKED:
            raise FrameError(PROTOCOL_ERROR, "a client's frame is not masked")
        if first & CONTROL:
            if second & ~MASKED > SHORT:
                raise FrameError(PROTOCOL_ERROR, "a control frame is too long")
        elif (first & OPCODE == CONTINUATION) is (self._partial is None):
            raise FrameError(PROTOCOL_ERROR, "fragments are out of order")

    def _read(self, first: int, start: int, length: int) -> Event | None:
        """A frame's event; None if some of its data is missing."""
        mask = self._data[start - MASK_BYTES : start]
        opcode = first & OPCODE
        end = start + length
        if opcode & CONTROL:
            return _control(opcode, self._unmask(start, end, mask))
        gathered = len(self._partial.data) if self._partial is not None else 0
        if gathered + length > self._limit:
            raise FrameError(TOO_BIG, f"a message may have {self._limit} bytes")
        if self._partial is None and first & (FIN | RSV1) == FIN and end <= len(self._data):
            payload = self._unmask(start, end, mask)
            return payload.decode() if opcode == TEXT else payload
        if self._partial is None:
            self._partial = self._begin(first)
        self._partial.begin_frame(fin=bool(first & FIN), length=length, mask=mask)
        self._advance(start)
        return self._fill(self._partial)

    def _begin(self, first: int) -> PartialMessage:
        return PartialMessage(text=first & OPCODE == TEXT)

    def _fill(self, partial: PartialMessage) -> Event | None:
        """Take what there is of the current frame."""
        end = min(self._at + partial.lacking, len(self._data))
        partial.add(self._data[self._at : end])
        self._advance(end)
        if partial.lacking:
            return None
        if not partial.fin:
            return Fragment(partial.length)
        self._partial = None
        return partial.message()

    def _unmask(self, start: int, end: int, mask: bytes) -> bytes:
        payload = apply_mask(self._data[start:end], mask)
        self._advance(end)
        return payload

    def _advance(self, end: int) -> None:
        """Let go of the bytes when all are read; to cut them at every frame would be quadratic."""
        self._at = end
        if end == len(self._data):
            self._data, self._at = b"", 0


def _long_length(field: bytes) -> int:
    length = int.from_bytes(field)
    if length <= (SHORT if len(field) == MEDIUM_BYTES else MEDIUM) or length > HIGHEST_LENGTH:
        raise FrameError(PROTOCOL_ERROR, "a length is not in its shortest form")
    return length


def _control(opcode: int, payload: bytes) -> Event:
    if opcode == PING:
        return Ping(payload)
    if opcode == PONG:
        return Pong(payload)
    if not payload:
        return Close(NO_CODE, "")
    code = int.from_bytes(payload[:2])
    if code not in CLOSE_CODES:  # a single byte is never one
        raise FrameError(PROTOCOL_ERROR, "a close code is not valid")
    return Close(code, payload[2:].decode())


def _what_is_wrong(first: int) -> str:
    if first & RESERVED:
        return "reserved bits are set"
    if first & OPCODE not in OPCODES:
        return "an opcode is unknown"
    return "a control frame is fragmented"
