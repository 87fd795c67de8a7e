"""How often a client may do something."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from app.core.config import Settings

BURST_SECONDS = 6
SIGNAL_BURST_SECONDS = 1
FLOOD_FACTOR = 2
FLOOD_SECONDS = 5


class TokenBucket:
    """`rate` a second, `burst` seconds of it at once; a rate of 0 is off. `clock` gives seconds.

    A client that keeps asking at FLOOD_FACTOR times the rate for FLOOD_SECONDS after its burst
    was used up is flooding: it had its answers and does not listen to them.
    """

    __slots__ = ("_asked", "_clock", "_level", "_rate", "_refused_at", "_size", "_updated")

    def __init__(self, rate: int, clock: Callable[[], float], burst: float = BURST_SECONDS) -> None:
        self._rate = rate
        self._size = rate * burst
        self._level = self._size
        self._clock = clock
        self._updated = clock()
        self._refused_at = -inf
        self._asked = 0

    def take(self) -> bool:
        """Whether one more is within the limit."""
        if not self._rate:
            return True
        now = self._clock()
        passed, self._updated = now - self._updated, now
        self._level = min(self._size, self._level + passed * self._rate)
        self._asked += 1
        if self._level >= 1:
            self._level -= 1
            return True
        if now - self._refused_at > FLOOD_SECONDS:  # a new window begins with this refusal
            self._refused_at, self._asked = now, 1
        return False

    @property
    def is_flooded(self) -> bool:
        """To be asked after a refusal."""
        return self._rate > 0 and self._asked >= self._rate * FLOOD_FACTOR * FLOOD_SECONDS


@dataclass(frozen=True, slots=True)
class Budget:
    """What one connection may do."""

    commands: TokenBucket
    signals: TokenBucket

    @classmethod
    def of(cls, settings: Settings, clock: Callable[[], float]) -> "Budget":
        return cls(
            TokenBucket(settings.commands_per_second, clock),
            TokenBucket(settings.signals_per_second, clock, SIGNAL_BURST_SECONDS),
        )
