"""One timer for all connections of a worker: a wheel of slots, each a set of connections.

A connection stands in one slot, that of the next moment at which it has something to check.
Putting it there is one set operation; an idle connection costs no timer of its own.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Generic, TypeVar

T = TypeVar("T")

SLOT_SECONDS = 0.1
LATE_SECONDS = 1.0
TURN_SECONDS = 0.003
CHECK_CLOCK_EVERY = 32


class Wheel(Generic[T]):
    """Calls `on_due(item)` once the item's time has come, up to a slot late.

    `on_due` gives the item's next time on the loop's clock, or None when it has none any more.
    """

    def __init__(self, on_due: Callable[[T], float | None]) -> None:
        self._on_due = on_due
        self._slots: dict[int, set[T]] = {}
        self._slot_of: dict[T, int] = {}
        self._turned_to = 0

    def schedule(self, item: T, when: float) -> None:
        """(Re)place the item; `when` on the loop's clock."""
        self.remove(item)
        slot = max(int(when / SLOT_SECONDS) + 1, self._turned_to + 1)
        self._slots.setdefault(slot, set()).add(item)
        self._slot_of[item] = slot

    def remove(self, item: T) -> None:
        slot = self._slot_of.pop(item, None)
        if slot is not None and (items := self._slots.get(slot)) is not None:
            items.discard(item)
            if not items:
                del self._slots[slot]

    async def run(self) -> None:
        """Until cancelled. After an error of `on_due` it may be begun again."""
        loop = asyncio.get_running_loop()
        self._turned_to = self._turned_to or int(loop.time() / SLOT_SECONDS)
        while True:
            due = loop.time() + SLOT_SECONDS
            await asyncio.sleep(SLOT_SECONDS)
            if loop.time() > due + LATE_SECONDS:  # stopped for a while: what came is read first
                await asyncio.sleep(LATE_SECONDS)
            while self.turn(loop.time()):  # noqa: ASYNC110 - others have their turn between
                await asyncio.sleep(0)

    def turn(self, now: float) -> bool:
        """To the next slot in which anything is due by now; whether there was one. Of a full slot
        some is left to the next turn.
        """
        until = int(now / SLOT_SECONDS)
        while self._turned_to < until:
            self._turned_to += 1
            if items := self._slots.pop(self._turned_to, None):
                self._look_at(items)
                return True
        return False

    def _look_at(self, items: set[T]) -> None:
        until = perf_counter() + TURN_SECONDS
        try:
            while items:
                item = items.pop()
                if self._slot_of.pop(item, None) is None:
                    continue
                following = self._on_due(item)
                if following is not None:
                    self.schedule(item, following)
                if not len(items) % CHECK_CLOCK_EVERY and perf_counter() > until:
                    break
        finally:
            left = items & self._slot_of.keys()
            if left:
                self._turned_to -= 1  # they keep their slot
            for item in left:
                self.schedule(item, 0.0)
