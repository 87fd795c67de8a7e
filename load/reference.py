"""What the subscribers of one channel are sent, understood once.

Hundreds of subscribers are sent the same bytes. Those of the one that is ahead are read event by
event and kept here; whoever is sent the same bytes later is accounted for by comparing them. What
differs by one byte (a hole, a repeat, another order) is not equal, and is then read like the first;
what was only cut into other frames is compared frame by frame, see `documents`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol
from weakref import WeakSet

KEPT_BYTES = 16 * 1024 * 1024
"""A subscriber that is further behind than this is read by itself."""

KEPT_FRAMES = 256
KEPT_STRETCHES = 1024
_MARK_BYTES = 32


class Event(NamedTuple):
    """`at` is microseconds since 1970."""

    offset: int
    at: int


class Reading:
    """A frame of nothing but events. `rising`: each offset is higher than the one before."""

    __slots__ = ("events", "raw", "rising")

    def __init__(self, raw: bytes, events: Sequence[Event]) -> None:
        self.raw = raw
        self.events = events
        self.rising = all(one.offset < two.offset for one, two in pairwise(events))


class Reader(Protocol):
    """One whose place is in the reference."""

    def leave(self, begin: int) -> None:
        """What lies before that position is about to be forgotten."""


class Reference:
    """Whole frames of nothing but events, by position: byte 0 is the first that anybody was sent.

    Offsets rise from event to event, so whatever lies between two of them has no hole if it has as
    many events as offsets. An event counts once the whole frame that it is in has come.
    """

    def __init__(self) -> None:
        self.end = 0
        self.readers: WeakSet[Reader] = WeakSet()
        self._data = bytearray()
        self._begin = 0
        self._last = -1
        self._frames: list[int] = [0]
        self._ends: list[int] = []
        self._events: list[Event] = []
        self._readings: dict[tuple[int, bytes], Reading] = {}
        self._stretches: dict[tuple[int, int], Sequence[Event]] = {}

    def read(self, raw: bytes) -> "Reading | None":
        """What somebody read in an equal frame, whatever it stood between."""
        reading = self._readings.get(_mark(raw))
        return reading if reading is not None and reading.raw == raw else None

    def note(self, reading: "Reading") -> None:
        if len(self._readings) >= KEPT_FRAMES:
            del self._readings[next(iter(self._readings))]
        self._readings[_mark(reading.raw)] = reading

    def extend(self, reading: "Reading") -> bool:
        """One frame more, unless its offsets do not rise: then it is not kept."""
        events = reading.events
        if not reading.rising or events[0].offset <= self._last:
            return False
        self._last = events[-1].offset
        self._data += reading.raw
        self.end += len(reading.raw)
        self._frames.append(self.end)
        self._ends += [self.end] * len(events)
        self._events += events
        if len(self._data) > KEPT_BYTES:
            self._forget(self.end - KEPT_BYTES // 2)
        return True

    def holds(self, data: "bytes | memoryview", position: int) -> bool:
        """Whether exactly these bytes stand at the position."""
        return position >= self._begin and self._data.startswith(data, position - self._begin)

    def between(self, position: int, end: int) -> Sequence[Event]:
        """The events that end after one position and up to another."""
        known = self._stretches.get((position, end))
        if known is None:
            first = bisect_right(self._ends, position)
            known = self._events[first : bisect_right(self._ends, end, first)]
            if end <= self.end:
                self._keep_stretch(position, end, known)
        return known

    def frame_part(self, position: int) -> tuple[int, bytes]:
        """Where the frame that goes on at the position began, and its bytes before that."""
        start = self._frames[bisect_right(self._frames, position) - 1]
        return start, bytes(self._data[start - self._begin : position - self._begin])

    def after(self, offset: int) -> int | None:
        """Where one stands who was sent everything up to this offset; None inside of a frame.

        One who is further than all others stands at the end: what it was sent is not here.
        """
        if offset >= self._last:
            self._last = offset
            return self.end
        nth = bisect_left(self._events, (offset,))
        if nth == len(self._events) or self._events[nth].offset != offset:
            return None
        last = nth + 1 == len(self._events) or self._ends[nth + 1] > self._ends[nth]
        return self._ends[nth] if last else None

    def _keep_stretch(self, position: int, end: int, events: Sequence[Event]) -> None:
        """Nearly all sockets read the same stretches."""
        if len(self._stretches) >= KEPT_STRETCHES:
            self._stretches.clear()
        self._stretches[position, end] = events

    def _forget(self, position: int) -> None:
        """Everything before the frame that holds the position."""
        nth = bisect_right(self._frames, position) - 1
        begin = self._frames[nth]
        for reader in self.readers:
            reader.leave(begin)
        first = bisect_right(self._ends, begin)
        del self._data[: begin - self._begin]
        del self._frames[:nth], self._ends[:first], self._events[:first]
        self._begin = begin


def _mark(raw: bytes) -> tuple[int, bytes]:
    """Tells frames apart cheaply: the last offset stands at the end."""
    return len(raw), raw[-_MARK_BYTES:]
