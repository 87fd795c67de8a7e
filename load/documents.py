"""The texts of a channel's events in the order of their offsets, however they were cut into frames.

Whoever was served at another moment than the others is sent the same texts in other frames. Such a
frame is read by comparing it with what the others were sent, instead of event by event.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from load.reference import Event

KEPT_BYTES = 8 * 1024 * 1024
SEPARATOR = b"\n"


class Documents:
    """Events without a hole between them, as lines; the last ones, when there are many."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._begin = 0
        self._ends: list[int] = []
        self._events: list[Event] = []

    def extend(self, payload: bytes, events: Sequence[Event]) -> None:
        """What follows the last event, a part of them it may be; begins anew after a hole.

        Nothing is kept of a message that is not one event a line.
        """
        lines = payload.split(SEPARATOR)
        rises = all(two.offset == one.offset + 1 for one, two in pairwise(events))
        if len(lines) != len(events) or not rises:
            return
        known = self._events[-1].offset + 1 - events[0].offset if self._events else 0
        if known < 0:
            self._restart()
        elif known:
            lines, events = lines[known:], events[known:]
        end = self._begin + len(self._text)
        for line in lines:
            self._ends.append(end + len(line))
            end += len(line) + len(SEPARATOR)
            self._text += line + SEPARATOR
        self._events += events
        if len(self._text) > KEPT_BYTES:
            self._forget()

    def read(self, payload: memoryview, after: int) -> Sequence[Event] | None:
        """The events of a message that goes on after this offset; None if it is not known."""
        if not self._events:
            return None
        nth = after + 1 - self._events[0].offset
        if not 0 <= nth < len(self._events):
            return None
        begin = self._ends[nth - 1] + len(SEPARATOR) if nth else self._begin
        if not self._text.startswith(payload, begin - self._begin):
            return None
        end = begin + len(payload)
        last = bisect_left(self._ends, end, nth)
        if last == len(self._ends) or self._ends[last] != end:
            return None
        return self._events[nth : last + 1]

    def _restart(self) -> None:
        self._begin += len(self._text)
        self._text.clear()
        self._ends.clear()
        self._events.clear()

    def _forget(self) -> None:
        """The older half."""
        nth = bisect_left(self._ends, self._begin + len(self._text) // 2)
        begin = self._ends[nth] + len(SEPARATOR)
        del self._text[: begin - self._begin], self._ends[: nth + 1], self._events[: nth + 1]
        self._begin = begin
