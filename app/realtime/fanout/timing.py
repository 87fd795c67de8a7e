"""What a connection waits for; see `heartbeat`."""

from dataclasses import dataclass
from enum import Enum, auto


class Pings(Enum):
    """How a client is asked whether it is there."""

    DOCUMENTS = auto()
    """Of the protocol: so it is unless a client wants it otherwise."""
    FRAMES = auto()
    """Of WebSocket: any client answers those, but not every server lets us see it."""
    NONE = auto()
    """By its server, if at all."""


@dataclass(slots=True)
class Timing:
    """What a connection waits for, on the loop's clock; None: nothing of the kind.

    `pinged` until the client answers. `stalled_by` is set while something waits to be written;
    `progress` is the transport's when it was.

    `unheard`: how many messages have come and are not carried out yet; `held_back` while no more
    are read. Once a pong is late it must be among the first `owed` of them; None: nobody knows yet.
    """

    pings: Pings = Pings.DOCUMENTS
    connect_by: float | None = None
    next_ping: float | None = None
    pong_by: float | None = None
    refresh_by: float | None = None
    stalled_by: float | None = None
    pinged: bool = False
    progress: int = 0
    unheard: int = 0
    held_back: bool = False
    owed: int | None = None

    @property
    def next(self) -> float | None:
        times = (self.connect_by, self.next_ping, self.pong_due, self.refresh_by, self.stalled_by)
        return min((time for time in times if time is not None), default=None)

    @property
    def pong_due(self) -> float | None:
        """Until when a pong is due: of none behind a backlog, where the ping waits, or the pong."""
        return self.pong_by if self.stalled_by is None else None

    @property
    def may_have_answered(self) -> bool:
        """Whether a pong that came in time may still wait behind other messages. To be asked once
        it is late, again and again: what came later does not count.
        """
        if self.owed is None and not self.held_back:
            self.owed = self.unheard
        return self.owed != 0

    def ponged(self) -> None:
        """The client is there."""
        self.pinged, self.pong_by = False, None

    def heard(self) -> None:
        """The oldest message was carried out."""
        self.unheard -= 1
        if self.owed:
            self.owed -= 1

    def await_pong(self, until: float) -> None:
        """A ping has left, or what waited before it."""
        self.pong_by, self.owed = until, None
