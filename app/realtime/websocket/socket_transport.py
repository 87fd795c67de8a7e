"""A WebSocket after its handshake: an asyncio protocol that writes prepared frames.

Its owner is told of each message by a plain call and writes straight to the asyncio transport:
there is no task, no queue and no timer. An idle connection costs this object and its reader.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from app.core import metrics
from app.realtime.fanout.transport import Owner
from app.realtime.websocket.frame_rate import SHORT_FRAGMENT, FrameRate
from app.realtime.websocket.frame_reader import (
    NO_CODE,
    Close,
    Event,
    Fragment,
    FrameError,
    FrameReader,
    Ping,
    Pong,
)
from app.realtime.wire.codes import CloseCode
from app.realtime.wire.frames import Message, Opcode, close_payload, encode_frame

logger = logging.getLogger(__name__)

# Writing pauses as soon as the kernel takes no more: what is not sent waits in the log, once for
# all, not here or there once for each. Without room for waiting uvloop writes at once, too, instead
# of at the end of the loop's turn, so that whoever writes sees what it costs.
# (Not from 0 bytes on: asyncio's TLS transport would never be below that.)
HIGH_WATER, LOW_WATER = 1, 0
CLOSE_SECONDS = 5.0
# After so many frames of one connection others have their turn: tens of thousands fit into what
# is read at once.
TURN_FRAMES = 256

INTERNAL_ERROR = 1011
RESTART = 1012
LOST = Close(1006, "")


class SocketTransport(asyncio.Protocol):
    """A Transport (see there). `ended`: the close that ended it, whoever sent it; else 1006.

    `close_seconds`: how long a client may take to answer a close, and to read what was written
    before it.
    """

    close_seconds = CLOSE_SECONDS

    __slots__ = (
        "_behind",
        "_connections",
        "_held",
        "_owner",
        "_paused",
        "_pong",
        "_pongs",
        "_rate",
        "_reader",
        "_timer",
        "_transport",
        "_written",
        "closing",
        "ended",
        "writable",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        owner: Owner,
        reader: FrameReader,
        connections: set[Any],
    ) -> None:
        """Becomes the transport's protocol, and a member of uvicorn's `connections`."""
        self.writable = True
        self.closing = False
        self.ended = LOST
        self._transport = transport
        self._owner = owner
        self._reader: FrameReader | None = reader
        self._connections = connections
        self._held: str | bytes | None = None
        self._pong: bytes | None = None
        self._pongs: list[bytes] | None = None
        self._rate: FrameRate | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._written = 0
        self._paused = False
        self._behind = False
        connections.add(self)
        transport.set_protocol(self)
        transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)

    def hand_over(self, owner: Owner, held: str | bytes | None = None) -> None:
        """To another owner, soon; `held` is a message that the one before did not take."""
        self._owner = owner
        self._held = held
        self._paused = True
        self.resume_reading()

    # ------------------------------------------------------- as its owner sees it

    @property
    def progress(self) -> int:
        return self._written - self._transport.get_write_buffer_size()

    def send(self, message: Message) -> None:
        if not self.closing:
            frame = message.frame
            self._written += len(frame)
            self._transport.write(frame)

    def close(self, code: int, reason: str) -> None:
        if not self.closing:
            self._begin_close(Close(code, reason))
            self.resume_reading()  # the client's close lies behind what was not read

    def pause_reading(self) -> None:
        if not self.closing and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            self._go_on_soon()

    # ------------------------------------------------ as asyncio and uvicorn see it

    def data_received(self, data: bytes) -> None:
        if self._reader is not None:
            self._reader.feed(data)
            self._hand_on()

    def pause_writing(self) -> None:
        if not self.closing:
            self.writable = False
            self._owner.on_paused()

    def resume_writing(self) -> None:
        if self.closing:
            return
        self.writable = True
        if self._pong is not None:
            pong, self._pong = self._pong, None
            self._answer(pong)
            self._send_pongs()
        if self.writable:
            self._owner.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._connections.discard(self)
        self.closing, self.writable = True, False
        self._reader = self._held = self._pongs = None
        if self._timer is not None:
            self._timer.cancel()
        owner = self._owner
        del self._owner  # who holds this object, too: without the cycle both are freed at once
        owner.on_lost()

    def shutdown(self) -> None:
        """The server stops: say so, and wait for nothing but for the bytes to leave."""
        self._close_unasked(RESTART, "")
        self._hang_up()

    # ------------------------------------------------------------------- reading

    def _hand_on(self) -> None:
        """Give the owner what has arrived, one after the other, until it pauses."""
        try:
            for _ in range(TURN_FRAMES):
                if self._paused or (event := self._next_event()) is None:
                    return
                self._take(event)
        except FrameError as error:
            self._fail(error)
        except Exception:
            logger.exception("connection failed")
            self._close_unasked(INTERNAL_ERROR, "")
        else:
            self._transport.pause_reading()
            self._go_on_soon()
        finally:
            self._send_pongs()

    def _go_on_soon(self) -> None:
        """Until then nothing more comes: reading is paused."""
        if not self._behind:
            self._behind = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._behind = False
        if not self._paused and not self._transport.is_closing():
            self._transport.resume_reading()
            self._hand_on()

    def _next_event(self) -> Event | None:
        if self._held is not None:
            held, self._held = self._held, None
            return held
        return self._reader.next_event() if self._reader is not None else None

    def _take(self, event: Event) -> None:
        if isinstance(event, str | bytes):
            self._send_pongs()  # an answer to the message comes behind them
            if not self.closing:
                self._owner.on_message(event)
        elif isinstance(event, Close):
            self._acknowledge(event)
        else:
            self._count(event)
            if isinstance(event, Ping):
                self._answer(event.data)
            elif isinstance(event, Pong):
                self._owner.on_pong()

    def _count(self, event: Ping | Pong | Fragment) -> None:
        """What carries no message is in nobody's budget, but costs nearly as much as one."""
        if isinstance(event, Fragment) and event.length >= SHORT_FRAGMENT:
            return
        if self._rate is None:
            self._rate = FrameRate(asyncio.get_running_loop().time)
        if not self._rate.take():
            raise FrameError(*CloseCode.TOO_MANY_REQUESTS.value)

    def _answer(self, data: bytes) -> None:
        """A pong, soon. While the client does not read, only its latest ping is remembered."""
        if not self.writable:
            self._pong = data
        elif self._pongs is None:
            self._pongs = [encode_frame(Opcode.PONG, data)]
        else:
            self._pongs.append(encode_frame(Opcode.PONG, data))

    def _send_pongs(self) -> None:
        """Those of one turn together: a write costs more than all that is in it."""
        if self._pongs is not None:
            frames, self._pongs = b"".join(self._pongs), None
            self._written += len(frames)
            self._transport.write(frames)

    # ------------------------------------------------------------------- closing

    def _acknowledge(self, close: Close) -> None:
        """The client closes, or answers our close."""
        self._reader = None
        if not self.closing:
            self._begin_close(close)
        self._hang_up()

    def _fail(self, error: FrameError) -> None:
        """Half-close: to close with bytes unread would reset, and lose the close frame with it."""
        self._reader = None
        if self.closing or not self._transport.can_write_eof():
            self._close_unasked(error.code, error.reason)
            self._hang_up()
            return
        metrics.CLOSES.labels(str(error.code)).inc()
        self._begin_close(Close(error.code, error.reason))
        with suppress(OSError):  # the client has reset the connection
            self._transport.write_eof()

    def _close_unasked(self, code: int, reason: str) -> None:
        """By itself: what its owner closes, the owner counts."""
        if not self.closing:
            metrics.CLOSES.labels(str(code)).inc()
            self.close(code, reason)

    def _begin_close(self, close: Close) -> None:
        """The last frame. From here on the client has a time limit, whatever it does."""
        self._send_pongs()
        self.closing, self.writable = True, False
        self.ended = close
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.close_seconds, self._transport.abort)
        payload = b"" if close.code == NO_CODE else close_payload(close.code, close.reason)
        self._transport.write(encode_frame(Opcode.CLOSE, payload))

    def _hang_up(self) -> None:
        """Close once what is buffered has left."""
        if not self._transport.is_closing():  # a second close breaks asyncio's TLS transport
            self._transport.close()
