"""How often a client may do something."""

from collections.abc import Callable

BURST_SECONDS = 6
FLOOD_FACTOR = 2
FLOOD_SECONDS = 5


class TokenBucket:
    """`rate` a second, `burst` at once; a rate of 0 is off. `clock` gives seconds.

    A client that keeps asking at FLOOD_FACTOR times the rate for FLOOD_SECONDS after its burst
    was used up is flooding: it had its answers and does not listen to them.
    """

    __slots__ = ("_clock", "_excess", "_level", "_rate", "_size", "_updated")

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._size = float(rate * BURST_SECONDS)
        self._level = self._size
        self._excess = 0.0
        self._clock = clock
        self._updated = clock()

    def take(self) -> bool:
        """Whether one more is within the limit."""
        if not self._rate:
            return True
        now = self._clock()
        passed, self._updated = now - self._updated, now
        self._level = min(self._size, self._level + passed * self._rate)
        self._excess = max(0.0, self._excess - passed * self._rate * FLOOD_FACTOR)
        if self._level >= 1:
            self._level -= 1
            return True
        self._excess += 1
        return False

    @property
    def is_flooded(self) -> bool:
        return self._rate > 0 and self._excess > self._rate * FLOOD_FACTOR * FLOOD_SECONDS
