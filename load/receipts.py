"""What the connections of one process received, together."""

import sys
from collections.abc import Sequence
from typing import Any

from load.histogram import Histogram
from load.reference import Event

FEW = 4
"""Up to so many events at once are timed one by one, with the time of their own receipt."""
TICK_BITS = 9
"""More are timed together with those that others received within the same 512 µs: rounded up."""
STEPS = 6
"""Of many that came at once each sixth counts as old as its oldest."""


class Receipts:
    """Times are microseconds since 1970. `last`: the last receipt of a timed event."""

    def __init__(self) -> None:
        self.latencies = Histogram()
        self.measure_from = sys.maxsize
        """Earlier events are accounted for but not timed."""
        self.deliveries = 0
        self.last = 0
        self._batches: dict[tuple[int, Event, int], list[Any]] = {}

    def note(self, events: Sequence[Event], received: int) -> None:
        self.deliveries += len(events)
        if events[-1].at < self.measure_from:
            return
        self.last = received
        if len(events) <= FEW:
            for event in events:
                self._record(event, received, 1)
            return
        tick = (received >> TICK_BITS) + 1
        batch = self._batches.setdefault((tick, events[0], len(events)), [0, events])
        batch[0] += 1

    def settle(self) -> None:
        """Time what was gathered."""
        for (tick, _, size), (times, events) in self._batches.items():
            step = -(-size // STEPS)
            for at in range(0, size, step):
                self._record(events[at], tick << TICK_BITS, times * min(step, size - at))
        self._batches.clear()

    def restart(self) -> None:
        """Forget the latencies, for the next measurement."""
        self.settle()
        self.latencies, self.last = Histogram(), 0
        self.measure_from = sys.maxsize

    def _record(self, event: Event, received: int, times: int) -> None:
        if event.at >= self.measure_from:
            self.latencies.record(received - event.at, times)
