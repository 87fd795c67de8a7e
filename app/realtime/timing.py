"""What a connection waits for; see `heartbeat`."""

from dataclasses import dataclass


@dataclass(slots=True)
class Timing:
    """What a connection waits for, on the loop's clock; None: nothing of the kind.

    `pinged` until the client answers. `stalled_by` is set while something waits to be written;
    `progress` is the transport's when it was.
    """

    connect_by: float | None = None
    next_ping: float | None = None
    pong_by: float | None = None
    refresh_by: float | None = None
    stalled_by: float | None = None
    pinged: bool = False
    progress: int = 0

    @property
    def next(self) -> float | None:
        times = (self.connect_by, self.next_ping, self.pong_by, self.refresh_by, self.stalled_by)
        return min((time for time in times if time is not None), default=None)
