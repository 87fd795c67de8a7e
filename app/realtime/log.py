"""ChannelLog: a worker's bounded ring of one channel's newest events.

A subscriber is a cursor on it. An event is framed once, however many subscribers there are, and
what lies after a cursor is joined once for all cursors that are equal, which nearly all are.
No I/O, and no knowledge of clients.
"""

import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

BATCH_BYTES = 65_536
MAX_AHEAD = 2_000
MAX_JOINED = 64


@dataclass(slots=True)
class Entry:
    """One event at its offset. `at` is Unix time in seconds, `payload` the event's JSON."""

    offset: int
    at: float
    payload: bytes
    frame: bytes | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Publications after a cursor as one newline-delimited message; `upto` is the new cursor."""

    data: bytes
    upto: int
    count: int


class ChannelLog:
    """Offsets `first` to `head` of one channel, without a hole.

    `target` is the highest offset that is known to exist, `observed` the last whose delay was
    measured. What arrives beyond head+1 waits in
    `ahead` (bounded) until the hole before it is filled.
    """

    def __init__(self, name: str, max_bytes: int, max_events: int) -> None:
        self.name = name
        self.head = 0
        self.target = 0
        self.started = False
        self.size = 0
        self.observed = 0
        self._max_bytes = max_bytes
        self._max_events = max_events
        self._entries: deque[Entry] = deque()
        self._ahead: dict[int, Entry] = {}
        self._joined: dict[int, Batch] = {}
        self._prefix = b'{"push":{"channel":%b,"pub":{"data":' % json.dumps(name).encode()

    @property
    def first(self) -> int:
        """The oldest offset that the ring holds; head+1 when it holds none."""
        return self._entries[0].offset if self._entries else self.head + 1

    @property
    def is_behind(self) -> bool:
        return self.started and self.head < self.target

    def start(self, head: int) -> None:
        """The log's head as Postgres knows it; later offsets follow from here."""
        self.started = True
        self.head = self.observed = head
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
        return islice(self._entries, max(0, offset + 1 - self.first), None)

    def after(self, cursor: int) -> Batch:
        """What follows the cursor, at most BATCH_BYTES of it but one event at least.

        The ring must hold it, and there must be something: cursor < head.
        """
        batch = self._joined.get(cursor)
        if batch is None:
            if len(self._joined) >= MAX_JOINED:  # a storm of clients that all stand elsewhere
                self._joined.clear()
            batch = self._joined[cursor] = self.join(self.since(cursor))
        return batch

    def join(self, entries: Iterable[Entry]) -> Batch:
        frames: list[bytes] = []
        size = upto = 0
        for entry in entries:
            frame = self.frame(entry)
            if frames and size + len(frame) > BATCH_BYTES:
                break
            frames.append(frame)
            size += len(frame) + 1
            upto = entry.offset
        return Batch(b"\n".join(frames), upto, len(frames))

    def frame(self, entry: Entry) -> bytes:
        """The publication push, made at its first use."""
        if entry.frame is None:
            entry.frame = b'%b%b,"offset":%d}}}' % (self._prefix, entry.payload, entry.offset)
        return entry.frame

    def _catch_up(self) -> None:
        if not self.started:
            return
        self.target = max(self.target, self.head)
        while (entry := self._ahead.pop(self.head + 1, None)) is not None:
            self._entries.append(entry)
            self.head = entry.offset
            self.size += len(entry.payload)
            self._joined.clear()
        while len(self._entries) > 1 and (
            self.size > self._max_bytes or len(self._entries) > self._max_events
        ):
            self.size -= len(self._entries.popleft().payload)


class Segment:
    """A part of the log read from Postgres, shared by the cursors that need it: they fell off
    the ring. Holds offsets after `start`, without a hole.
    """

    def __init__(self, log: ChannelLog, start: int, entries: Sequence[Entry]) -> None:
        self._log = log
        self._start = start
        self._entries = entries
        self._joined: dict[int, Batch] = {}

    def holds(self, cursor: int) -> bool:
        return 0 <= cursor - self._start < len(self._entries)

    def after(self, cursor: int) -> Batch:
        batch = self._joined.get(cursor)
        if batch is None:
            rest = islice(self._entries, cursor - self._start, None)
            batch = self._joined[cursor] = self._log.join(rest)
        return batch


def contiguous(after: int, entries: Sequence[Entry]) -> bool:
    """Whether every row k+1 follows row k, from after+1 on."""
    return all(entry.offset == after + n for n, entry in enumerate(entries, start=1))
