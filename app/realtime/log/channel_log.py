"""ChannelLog: a worker's bounded ring of one channel's newest events.

A subscriber is a cursor on it; what lies after one is made into a message by `batches`, once for
all cursors that are equal, which nearly all are. No I/O, and no knowledge of clients.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from app.realtime.wire.batches import Batch, Batches, Entry, Joined
from app.realtime.wire.codec import Codec

MAX_AHEAD = 2_000
FLOOR_SECONDS = 60.0


class ChannelLog:
    """Offsets `first` to `head` of one channel, without a hole.

    `target` is the highest offset that is known to exist, `observed` the last whose delay was
    measured, `floor` the oldest position from which Postgres could still be read at `checked_at`
    (loop time). What arrives beyond head+1 waits in `ahead` (bounded) until the hole before it is
    filled. `joined` keeps what was joined of this log and of others, and of their segments.
    """

    def __init__(
        self, name: str, max_bytes: int, max_events: int, joined: Joined | None = None
    ) -> None:
        self.name = name
        self.joined = Joined() if joined is None else joined
        self.head = 0
        self.target = 0
        self.started = False
        self.size = 0
        self.observed = 0
        self.floor = 0
        self.checked_at = 0.0
        self._max_bytes = max_bytes
        self._max_events = max_events
        self._entries: list[Entry] = []
        self._gone = 0
        self._ahead: dict[int, Entry] = {}
        self._batches = Batches(name, self.joined)

    @property
    def first(self) -> int:
        """The oldest offset that the ring holds; head+1 when it holds none."""
        return self.head + 1 - len(self._entries) + self._gone

    @property
    def is_behind(self) -> bool:
        return self.started and self.head < self.target

    def floor_is_old(self, now: float) -> bool:
        """Whether pruning may have raised the floor since it was read; `now` is the loop's time."""
        return now - self.checked_at > FLOOR_SECONDS

    def start(self, head: int, floor: int = 0) -> None:
        """The log's head and floor as Postgres knows them; later offsets follow from here."""
        self.started = True
        self.head = self.observed = head
        self.floor = floor
        self._ahead = {k: entry for k, entry in self._ahead.items() if k > head}
        self._catch_up()

    def holds(self, cursor: int) -> bool:
        """Whether everything after the cursor is in the ring."""
        return cursor + 1 >= self.first

    def append(self, entries: Iterable[Entry]) -> int:
        """Take what continues the log, drop what is known, keep what lies ahead; how many new."""
        before = self.head
        for entry in entries:
            self.target = max(self.target, entry.offset)
            room = len(self._ahead) < MAX_AHEAD or entry.offset == self.head + 1
            if entry.offset > self.head and room:
                self._ahead[entry.offset] = entry
            self._catch_up()
        return self.head - before if self.started else 0

    def since(self, offset: int) -> Iterable[Entry]:
        """The entries after an offset that the ring holds."""
        skipped = self._gone + max(0, offset + 1 - self.first)
        return map(self._entries.__getitem__, range(skipped, len(self._entries)))

    def after(self, cursor: int, codec: Codec) -> Batch:
        """What follows the cursor. The ring must hold it, and there must be something."""
        return self._batches.get(codec, cursor, self.since(cursor))

    def _catch_up(self) -> None:
        if not self.started:
            return
        self.target = max(self.target, self.head)
        while (entry := self._ahead.pop(self.head + 1, None)) is not None:
            self._entries.append(entry)
            self.head = entry.offset
            self.size += len(entry.payload)
            self._batches.add(entry)
        self._evict(self._max_bytes)

    def shrink(self) -> None:
        """Drop all but the newest."""
        self._evict(0)

    def _evict(self, max_bytes: int) -> None:
        """Drop the oldest while there is too much, but never the newest."""
        held = len(self._entries) - self._gone
        before = held
        while held > 1 and (self.size > max_bytes or held > self._max_events):
            self.size -= len(self._entries[self._gone].payload)
            self._gone += 1
            held -= 1
        if held < before:
            self._batches.forget(self.first)
        if self._gone * 4 > held:  # seldom enough: moving the rest costs next to nothing
            del self._entries[: self._gone]
            self._gone = 0


class Segment:
    """A part of the log read from Postgres, shared by the cursors that need it: they fell off
    the ring. Holds the offsets after `start`, without a hole; those after `sought` were looked
    for.
    """

    def __init__(
        self, log: ChannelLog, start: int, entries: Sequence[Entry], *, sought: int | None = None
    ) -> None:
        self.start = start
        self.sought = start if sought is None else sought
        self.size = sum(len(entry.payload) for entry in entries)
        self._entries = entries
        self._batches = Batches(log.name, log.joined)
        for entry in entries:
            self._batches.add(entry)

    @property
    def end(self) -> int:
        return self.start + len(self._entries)

    def holds(self, cursor: int) -> bool:
        return self.start <= cursor < self.end

    def lacks(self, cursor: int) -> bool:
        """Whether what follows the cursor was looked for and is not in the log any more."""
        return self.sought <= cursor < self.start

    def after(self, cursor: int, codec: Codec) -> Batch:
        return self._batches.get(codec, cursor, islice(self._entries, cursor - self.start, None))


def contiguous(after: int, entries: Sequence[Entry]) -> bool:
    """Whether every row k+1 follows row k, from after+1 on."""
    return all(entry.offset == after + n for n, entry in enumerate(entries, start=1))
