"""A WebSocket that agreed on permessage-deflate: what differs from one that did not.

Between messages it holds nothing more than another: see `deflate`.
"""

import sys

from app.realtime.websocket.frame_reader import (
    BINARY,
    FIRST_BYTES,
    INVALID_DATA,
    OPCODE,
    TEXT,
    TOO_BIG,
    FrameError,
    FrameReader,
    PartialMessage,
)
from app.realtime.websocket.socket_transport import SocketTransport
from app.realtime.wire.deflate import InflateError, TooLongError, inflate
from app.realtime.wire.frames import FIN, RSV1, Message

# The bit stands in the first frame of a message, and nowhere else.
COMPRESSED = frozenset({RSV1 | fin | opcode for fin in (0, FIN) for opcode in (TEXT, BINARY)})


class DeflatedMessage(PartialMessage):
    """Its bytes are kept as they come, and inflated when all are there."""

    __slots__ = ("_is_text", "_limit")

    def __init__(self, *, text: bool, limit: int) -> None:
        super().__init__(text=False)  # nothing to be checked before it is inflated
        self._is_text = text
        self._limit = limit

    def message(self) -> str | bytes:
        try:
            data = inflate(self.data, self._limit)
        except InflateError as error:
            raise FrameError(INVALID_DATA, f"not deflated: {error}"[:123]) from None
        except TooLongError:
            raise FrameError(TOO_BIG, f"a message may have {self._limit} bytes") from None
        return data.decode() if self._is_text else data


class DeflatedFrameReader(FrameReader):
    """The limit holds for a message as it is sent, and again when it is inflated."""

    __slots__ = ()

    first_bytes = FIRST_BYTES | COMPRESSED

    def _begin(self, first: int) -> PartialMessage:
        if not first & RSV1:
            return super()._begin(first)
        limit = min(self._limit, sys.maxsize - 1)  # what zlib can count to
        return DeflatedMessage(text=first & OPCODE == TEXT, limit=limit)


class DeflatedTransport(SocketTransport):
    """Sends each message by the frame that it has for all who agreed."""

    __slots__ = ()

    def send(self, message: Message) -> None:
        if not self.closing:
            frame = message.deflated_frame
            self._written += len(frame)
            self._transport.write(frame)
