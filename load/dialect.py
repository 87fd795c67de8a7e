"""How a server is spoken to: the port, and what most dialects have in common.

A dialect's lines are events or something else. An event begins with the dialect's `prefix` and
holds `"at":"…Z"` and, last of all numbers so named, `"offset":N` (see `publication`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from load.errors import LoadError
from load.frames import Opcode


@dataclass(frozen=True)
class Ready:
    """The subscription stands; the last event before it has this offset."""

    offset: int = 0


@dataclass(frozen=True)
class Over:
    """The subscription has ended, or never came to be; `how` in a few words."""

    how: str
    error: LoadError


@dataclass(frozen=True)
class Say:
    """The server waits for this answer."""

    text: bytes


Heard = Ready | Over | Say


class Dialect(Protocol):
    """The side of one connection. `opcode`: of what it says."""

    path: str
    prefix: bytes
    opcode: Opcode

    def opened(self) -> Iterable[bytes | Ready]:
        """The handshake is done: messages to send; Ready if no answer says so."""
        ...

    def whole(self, message: bytes) -> Sequence[bytes] | None:
        """The lines of a message; None if a line begins before it or ends after it.

        Asked of any message at any time, and not at all of one whose bytes are known.
        """
        ...

    def lines(self, message: bytes) -> Sequence[bytes]:
        """The lines that end in this message: of each in turn that holds more than whole events."""
        ...

    def hear(self, line: bytes) -> Heard | None:
        """A line that is no event."""
        ...

    def resume(self, offset: int) -> None:
        """The next connection goes on after this offset, if the server can do that."""
        ...


class WholeLines:
    """Each message holds whole lines, and a connection cannot be resumed."""

    path = "/ws"
    prefix = b"{"
    opcode = Opcode.TEXT

    def whole(self, message: bytes) -> Sequence[bytes]:
        return message.split(b"\n")

    def lines(self, message: bytes) -> Sequence[bytes]:
        return message.split(b"\n")

    def resume(self, offset: int) -> None:
        """It cannot."""
