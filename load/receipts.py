"""What the connections of one process received, together."""

import sys
from collections import Counter
from collections.abc import Sequence

from load.histogram import Histogram
from load.reference import Event

FEW = 4
"""Up to so many events at once are timed one by one, with the time of their own receipt."""
TICK_BITS = 7
"""More are timed together with those that others received within the same 128 µs: rounded up."""


class Receipts:
    """Times are microseconds since 1970. `last`: the last receipt of a timed event."""

    def __init__(self) -> None:
        self.latencies = Histogram()
        self.measure_from = sys.maxsize
        """Earlier events are accounted for but not timed."""
        self.deliveries = 0
        self.last = 0
        self._batches: Counter[tuple[int, tuple[Event, ...]]] = Counter()

    def note(self, events: Sequence[Event], received: int) -> None:
        self.deliveries += len(events)
        if events[-1].at < self.measure_from:
            return
        self.last = received
        if len(events) <= FEW:
            self._record(events, received, 1)
        else:
            self._batches[(received >> TICK_BITS) + 1, tuple(events)] += 1

    def settle(self) -> None:
        """Time what was gathered."""
        for (tick, events), times in self._batches.items():
            self._record(events, tick << TICK_BITS, times)
        self._batches.clear()

    def restart(self) -> None:
        """Forget the latencies, for the next measurement."""
        self.settle()
        self.latencies, self.last = Histogram(), 0
        self.measure_from = sys.maxsize

    def _record(self, events: Sequence[Event], received: int, times: int) -> None:
        for event in events:
            if event.at >= self.measure_from:
                self.latencies.record(received - event.at, times)
