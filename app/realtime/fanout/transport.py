"""The ports between a client's connection and what carries it.

A connection writes to a `Writer`, whatever carries it: an ordinary ASGI route is no more than that.
A WebSocket that was taken over from its ASGI server is a `Transport`, whose reading can be held
back, too, and which tells an `Owner` what comes in.

An ASGI app takes a WebSocket over by what `find_take_over` gives, after it sent
`websocket.accept`; its call should return then. From there on messages go straight to the owner.
"""

from collections.abc import Callable
from typing import Any, Protocol, cast

from app.realtime.wire.frames import Message


class Owner(Protocol):
    """Whoever a connection belongs to. Called from the event loop, and never within `take_over`."""

    def on_message(self, message: str | bytes) -> None: ...

    def on_pong(self) -> None:
        """A pong frame came, whether or not it was asked for."""
        ...

    def on_paused(self) -> None:
        """`writable` has become false, perhaps within `send`."""
        ...

    def on_writable(self) -> None:
        """`writable` is true again; what is written now may pause it again at once."""
        ...

    def on_lost(self) -> None:
        """The connection is gone. Called once, whoever ended it, and nothing is called after it."""
        ...


class Writer(Protocol):
    """Where a connection writes to. Nothing here blocks, or raises when the client is gone."""

    @property
    def writable(self) -> bool:
        """False while the client reads too slowly, and for good once the connection closes."""
        ...

    @property
    def progress(self) -> int:
        """Changes whenever some of what was given has left this process; over TLS only every
        48 KiB or so.
        """
        ...

    def send(self, message: Message) -> None:
        """Send one message. While `writable` is false it is buffered behind what waits already:
        a connection gives it no more then than a ping, and its last words just before `close`.
        """
        ...

    def close(self, code: int, reason: str) -> None:
        """Send what was given before, then close. Later calls have no effect.

        `reason` is at most 123 bytes of UTF-8. A client that does not answer, or does not read,
        is cut off after a few seconds.
        """
        ...


class Transport(Writer, Protocol):
    """A WebSocket that was taken over."""

    def pause_reading(self) -> None:
        """Hand over no further message until `resume_reading`; pings wait likewise."""
        ...

    def resume_reading(self) -> None:
        """Go on with what has arrived meanwhile: soon, not within this call."""
        ...


TAKE_OVER = "tandem.takeover"
TakeOver = Callable[[Owner], Transport]


def find_take_over(scope: Any) -> TakeOver | None:
    """How this ASGI scope's WebSocket can be taken over; None if its server does not offer it."""
    extensions = scope.get("extensions") or {}
    return cast("TakeOver | None", extensions.get(TAKE_OVER))
