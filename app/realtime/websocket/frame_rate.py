"""How many frames without a message a client may send: they are in no budget of commands."""

from collections.abc import Callable

FRAMES_PER_SECOND = 1000
"""Of control frames, and of fragments shorter than SHORT_FRAGMENT."""
SHORT_FRAGMENT = 64
"""Bytes. Longer ones cost a client more than they cost us."""


class FrameRate:
    """Twice as many may pass at once, as a window of a second begins again when it is full.

    `clock` gives seconds; it is asked once for as many frames as a second may have.
    """

    __slots__ = ("_clock", "_count", "_since")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._count = 0

    def take(self) -> bool:
        """Whether one more is within the limit."""
        self._count += 1
        if self._count <= FRAMES_PER_SECOND:
            return True
        now = self._clock()
        if now - self._since < 1:
            return False
        self._since, self._count = now, 1
        return True
