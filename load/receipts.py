"""What the connections of one process received, together."""

import sys
from collections.abc import Sequence
from typing import Any

from load.histogram import Histogram
from load.reference import Event

FEW = 4
FEW_TICK_BITS = 5
"""Up to FEW events are timed together with those that others received within the same 32 µs."""
TICK_BITS = 9
"""More, with those within the same 512 µs; both rounded up."""
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
        """Cheap, as it is called for each read of each socket: what came at the same moment is
        only counted, until `settle`.
        """
        count, last = len(events), events[-1]
        self.deliveries += count
        if last.at < self.measure_from:
            return
        self.last = received
        bits = FEW_TICK_BITS if count <= FEW else TICK_BITS
        key = (-(-received >> bits) << bits, last, count)
        batch = self._batches.get(key)
        if batch is None:
            self._batches[key] = [1, events]
        else:
            batch[0] += 1

    def settle(self) -> None:
        """Time what was gathered."""
        for (received, _, size), (times, events) in self._batches.items():
            step = -(-size // STEPS)
            for at in range(0, size, step):
                self._record(events[at], received, times * min(step, size - at))
        self._batches.clear()

    def restart(self) -> None:
        """Forget the latencies, for the next measurement."""
        self.settle()
        self.latencies, self.last = Histogram(), 0
        self.measure_from = sys.maxsize

    def _record(self, event: Event, received: int, times: int) -> None:
        if event.at >= self.measure_from:
            self.latencies.record(received - event.at, times)
