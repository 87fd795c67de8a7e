"""What a socket read and where that took it: whoever reads the same at the same place follows.

Most sockets are sent the same bytes in the same pieces. The first that reads a piece looks into it;
for the others it is compared as a whole, which costs next to nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from load.reference import Event

KEPT_BYTES = 16 * 1024 * 1024

Place = tuple[int, int] | None
"""The last offset that came, and how much of the reference if that ends inside of a frame, else -1:
all that decides what the next bytes mean. None: more does.
"""


class Step(NamedTuple):
    """`data` at a place led to another one, with a position in the reference, by these events."""

    data: bytes
    place: Place
    position: int | None
    events: Sequence[Event]


class Steps:
    """By the place where each begins and its size; the last ones, when there are many."""

    def __init__(self) -> None:
        self.known: dict[tuple[Place, int], Step] = {}
        self._size = 0

    def keep(self, begin: Place, step: Step) -> None:
        if self._size > KEPT_BYTES:
            self.forget()
        self._size += len(step.data)
        self.known[begin, len(step.data)] = step

    def forget(self) -> None:
        self.known.clear()
        self._size = 0
