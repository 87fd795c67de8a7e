"""The rings of a worker, and what they may hold together: one channel has its bound, but anybody
may follow many.
"""

from collections import OrderedDict

from app.core.config import Settings
from app.realtime.log.channel_log import ChannelLog
from app.realtime.wire.batches import Joined

TOTAL_BYTES = 128 * 1024 * 1024
"""Of payloads, in all rings of a worker; RING_BYTES where that is more."""


class Rings:
    """Makes the logs of a worker and keeps their sum within bounds: the one that has not grown for
    the longest gives its events up, but for the newest. Whoever still needs them is read them from
    Postgres, as who fell off a ring always is. What was joined of them has a bound of its own.
    """

    def __init__(self, settings: Settings, total_bytes: int = TOTAL_BYTES) -> None:
        self.size = 0
        self.joined = Joined()
        self._each = (settings.ring_bytes, settings.ring_events)
        self._most = max(total_bytes, settings.ring_bytes)
        self._sizes: OrderedDict[ChannelLog, int] = OrderedDict()  # that grew last comes last

    def make(self, channel: str, *, target: int = 0) -> ChannelLog:
        """An empty log, of which nothing more is known yet."""
        log = ChannelLog(channel, *self._each, self.joined)
        log.target = target
        return log

    def note(self, log: ChannelLog) -> None:
        """It has grown."""
        self.size += log.size - self._sizes.get(log, 0)
        self._sizes[log] = log.size
        self._sizes.move_to_end(log)
        while self.size > self._most:
            oldest = next(iter(self._sizes))
            oldest.shrink()
            self.forget(oldest)

    def forget(self, log: ChannelLog | None) -> None:
        """It is used no more, or holds no more than it must. None is no log."""
        if log is not None:
            self.size -= self._sizes.pop(log, 0)

    def clear(self) -> None:
        self._sizes.clear()
        self.size = 0
