"""One connection of a client process: connects, subscribes, and accounts for what it is sent."""

import asyncio
from collections.abc import Callable, Sequence

from load.dialect import Dialect, Over, Ready, Say
from load.errors import LoadError
from load.ledger import Ledger
from load.publication import scan
from load.receipts import Receipts
from load.reference import Event
from load.websocket import WebSocket

CONNECTION_LIMIT = 3504
_HANDSHAKE = "the target refused a WebSocket:"


class Subscriber:
    """Listens to a WebSocket; `ready` is done once the subscription stands, or raises LoadError.

    `gone` is done once the socket is closed.
    """

    def __init__(self, dialect: Dialect, receipts: Receipts) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ledger = Ledger(0)
        self.ended: str | None = None
        self.returned = ""
        """How it was closed while it read nothing, if it was and came back."""
        self._dialect = dialect
        self._receipts = receipts
        self._away = False
        self._return: Callable[[], None] | None = None
        self._begun = False
        self._socket: WebSocket

    @property
    def highest(self) -> int | None:
        return self.ledger.highest if self._begun else None

    def opened(self, socket: WebSocket) -> None:
        self._socket = socket
        self._away = False
        for step in self._dialect.opened():
            if isinstance(step, Ready):
                self._begin(step)
            else:
                socket.send(step, self._dialect.opcode)

    def events(self, payload: bytes) -> Sequence[Event] | None:
        found, lines = [], self._dialect.whole(payload)
        for line in lines or ():
            event = scan(line) if line.startswith(self._dialect.prefix) else None
            if event is None:
                return None
            found.append(event)
        return found or None

    def take(self, events: Sequence[Event], received: int, *, rising: bool) -> None:
        first, last = events[0].offset, events[-1].offset
        if rising and first == self.ledger.highest + 1 and last - first == len(events) - 1:
            self.ledger.highest = last
        else:
            for event in events:
                self.ledger.take(event.offset)
        self._receipts.note(events, received)

    def text(self, payload: bytes, received: int) -> None:
        for line in self._dialect.lines(payload):
            event = scan(line) if line.startswith(self._dialect.prefix) else None
            if event:
                self.take([event], received, rising=True)
            elif line:
                self._hear(line)

    def refused(self, status: int) -> None:
        self._end(
            f"handshake {status}", LoadError.unreachable(f"{_HANDSHAKE} {status or 'no HTTP'}")
        )

    def come_back(self) -> None:
        """Close the socket without a word; the next one goes on from here."""
        self._away = True
        self._resume()
        self._socket.close()

    def closed(self, code: int) -> None:
        if self._away:
            return
        if self._return and self.ended is None:
            come_back, self._return, self.returned = self._return, None, f"close {code}"
            self._resume()
            come_back()
            return
        self._end(f"close {code}", end_of(code))
        if not self.gone.done():
            self.gone.set_result(None)

    def pause(self, apart: Receipts, come_back: Callable[[], None]) -> None:
        """Read nothing more, as a client that hangs; what comes later is noted apart.

        If the socket is closed for it, `come_back` is called, once, to open the next, which goes on
        from here.
        """
        self._receipts, self._return = apart, come_back
        self._socket.pause()

    def go_on(self) -> None:
        self._socket.go_on()

    def leave(self) -> None:
        """Close the socket; not an early end."""
        self.ended = self.ended or ""
        self._socket.close()

    def _hear(self, line: bytes) -> None:
        heard = self._dialect.hear(line)
        if isinstance(heard, Ready):
            self._begin(heard)
        elif isinstance(heard, Say):
            self._socket.send(heard.text, self._dialect.opcode)
        elif isinstance(heard, Over):
            self._end(heard.how, heard.error)

    def _resume(self) -> None:
        self.ready = asyncio.get_running_loop().create_future()
        self._dialect.resume(self.ledger.highest)

    def _begin(self, ready: Ready) -> None:
        if not self._begun:  # who comes back goes on with the account that it has
            self.ledger = Ledger(ready.offset)
            self._begun = True
        if not self.ready.done():
            self.ready.set_result(None)

    def _end(self, how: str, error: LoadError) -> None:
        if self.ended is None:
            self.ended = how
        if not self.ready.done():
            self.ready.set_exception(error)


def end_of(code: int) -> LoadError:
    """What a close before the subscription means."""
    if code == CONNECTION_LIMIT:
        return LoadError.refused(
            "the target allows fewer connections a user: lower --connections,"
            " or start it with TANDEM_CONNECTIONS_PER_USER=0"
        )
    return LoadError.unreachable(f"the target closed a socket with {code} before it was subscribed")
