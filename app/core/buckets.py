"""Buckets that drain at the rate allowed and overflow past a burst.

A bucket is one number, the moment at which it will have drained (GCRA, the generic cell rate
algorithm). Times are whole microseconds: sums of them are exact here and in Lua.
"""

from dataclasses import dataclass

SECOND = 1_000_000
CREDIT_PART = 20


@dataclass(frozen=True, slots=True)
class Allowance:
    """One each `interval`, `burst` of them at once; an interval of 0 is off."""

    name: str
    interval: int
    burst: int

    @classmethod
    def of(cls, name: str, count: int, *, seconds: float, burst: int) -> "Allowance":
        """`count` in so many seconds; a count of 0 is off."""
        return cls(name, max(1, round(seconds * SECOND / count)) if count else 0, burst)

    @property
    def size(self) -> int:
        return self.interval * self.burst

    def credit(self, left: int) -> int:
        """How many a worker may let pass unasked while so much has yet to drain."""
        return max(0, (self.size - left) // (self.interval * CREDIT_PART))


@dataclass(slots=True)
class Bucket:
    """What a worker knows of a caller."""

    drained_at: int
    credit: int
    passed: int = 0
    """On credit, since Redis was told."""
    unasked: int = 0
    """While Redis was away, by this worker's own count."""

    def take(self, allowance: Allowance, now: int) -> int:
        """How long to wait; 0: one more was taken."""
        filled_to = max(self.drained_at, now) + allowance.interval
        if filled_to - now > allowance.size:
            return filled_to - now - allowance.size
        self.drained_at = filled_to
        return 0

    def take_credit(self) -> bool:
        if not self.credit:
            return False
        self.credit -= 1
        self.passed += 1
        return True

    def settle(self, allowance: Allowance, now: int) -> int:
        """How many Redis has yet to hear of, before the one just taken; it will hear of them now.

        Of those while it was away only what has not drained: that may be long ago.
        """
        left = max(0, self.drained_at - now - allowance.interval)
        owed = self.passed + min(self.unasked, -(-left // allowance.interval))
        self.passed = self.unasked = 0
        return owed

    def owe(self, count: int) -> None:
        """Redis did not hear of so many after all."""
        self.unasked += count

    def learn(self, allowance: Allowance, now: int, *, taken: bool, left: int) -> int:
        """What Redis said of the one just taken here, and has yet to drain; how long to wait."""
        if not taken:
            self.drained_at -= allowance.interval
        self.drained_at = max(self.drained_at, now + left)
        self.credit = allowance.credit(left)
        return 0 if taken else left + allowance.interval - allowance.size
