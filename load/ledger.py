"""The account of one connection: which offsets of a channel it was sent, and how."""


class Ledger:
    """Offsets are whole numbers without holes, from `start` + 1 on.

    An offset seen before, or not above `start`, is a repeat. One below the highest that was
    missing until now is out of order, and then no longer missing.
    """

    __slots__ = ("_missing", "duplicated", "highest", "out_of_order", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.highest = start
        self.duplicated = 0
        self.out_of_order = 0
        self._missing: set[int] = set()

    def take(self, offset: int) -> None:
        if offset == self.highest + 1:
            self.highest = offset
        elif offset > self.highest:
            self._missing.update(range(self.highest + 1, offset))
            self.highest = offset
        elif offset in self._missing:
            self._missing.remove(offset)
            self.out_of_order += 1
        else:
            self.duplicated += 1

    def complete_to(self) -> int:
        """The last offset up to which nothing is missing."""
        return min(self._missing) - 1 if self._missing else self.highest

    @property
    def received(self) -> int:
        """How many different offsets came."""
        return self.highest - self.start - len(self._missing)

    def lost(self, until: int) -> int:
        """How many of the offsets after `start`, up to and with `until`, never came."""
        return self.holes(until) + self.missed(until)

    def holes(self, until: int) -> int:
        """Those of them before the last that came."""
        return sum(offset <= until for offset in self._missing)

    def missed(self, until: int) -> int:
        """Those of them after it."""
        return max(0, until - self.highest)

    def settle(self, until: int) -> None:
        """What came up to `until` is told; what follows is accounted for anew."""
        self.start = until
        self.highest = max(self.highest, until)
        self.duplicated = self.out_of_order = 0
        self._missing = {offset for offset in self._missing if offset > until}
