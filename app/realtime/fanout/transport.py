"""What carries a connection, and what it carries for: the two sides of a taken-over WebSocket.

An ASGI app takes a WebSocket over by what `find_take_over` gives, after it sent
`websocket.accept`; its call should return then. From there on messages go straight to the owner.
"""

from collections.abc import Callable
from typing import Any, Protocol, cast

from app.realtime.wire.frames import Message


class Owner(Protocol):
    """Whoever a connection belongs to. Called from the event loop, and never within `take_over`."""

    def on_message(self, message: str | bytes) -> None: ...

    def on_paused(self) -> None:
        """`writable` has become false, perhaps within `send`."""
        ...

    def on_writable(self) -> None:
        """`writable` is true again; what is written now may pause it again at once."""
        ...

    def on_lost(self) -> None:
        """The connection is gone. Called once, whoever ended it, and nothing is called after it."""
        ...


class Transport(Protocol):
    """Where a connection writes to. Nothing here blocks, or raises when the client is gone."""

    @property
    def writable(self) -> bool:
        """False while the client reads too slowly, and for good once the connection closes."""
        ...

    @property
    def progress(self) -> int:
        """Changes whenever bytes have left this process; over TLS only every 48 KiB or so."""
        ...

    def send(self, message: Message) -> None:
        """Send one message. While `writable` is false it is buffered behind what waits already."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Send what was given before, then close. Later calls have no effect.

        `reason` is at most 123 bytes of UTF-8. A client that does not answer, or does not read,
        is cut off after a few seconds.
        """
        ...

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
