"""Latencies in constant memory, mergeable between processes.

Buckets are log-linear, as in HdrHistogram: exact to the microsecond below 256 µs, from there on 128
buckets for each doubling, of which the middle is reported: a percentile is within 0.4 % of the true
one. The largest value is kept exactly.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Self

_EXACT_BITS = 8
_EXACT = 1 << _EXACT_BITS
_PER_DOUBLING = _EXACT >> 1


class Histogram:
    """Counts of durations in whole microseconds; below zero counts as `early` and as 0."""

    __slots__ = ("buckets", "count", "early", "largest")

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()
        self.count = 0
        self.early = 0
        self.largest = 0

    def record(self, microseconds: int, times: int = 1) -> None:
        if microseconds < _EXACT:
            if microseconds < 0:
                self.early += times
                microseconds = 0
            bucket = microseconds
        else:
            shift = microseconds.bit_length() - _EXACT_BITS
            bucket = shift * _PER_DOUBLING + (microseconds >> shift)
        self.buckets[bucket] += times
        self.count += times
        self.largest = max(self.largest, microseconds)

    def merge(self, other: Self) -> None:
        self.buckets.update(other.buckets)
        self.count += other.count
        self.early += other.early
        self.largest = max(self.largest, other.largest)

    def percentile(self, percent: float) -> float | None:
        """Microseconds that `percent` of the values do not exceed; None without values."""
        wanted = percent / 100 * self.count
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return min(_middle(bucket), self.largest)
        return None

    def points(self) -> list[tuple[float, float]]:
        """The share of all values, 0 to 1, that do not exceed so many microseconds; both rise."""
        seen, found = 0, []
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            found.append((seen / self.count, min(_middle(bucket), self.largest)))
        return found

    def to_json(self) -> dict[str, object]:
        return {"buckets": self.buckets, "early": self.early, "largest": self.largest}

    @classmethod
    def from_json(cls, buckets: Mapping[str, int], early: int, largest: int) -> Self:
        """The inverse of `to_json`, after JSON has made strings of the bucket numbers."""
        histogram = cls()
        histogram.buckets = Counter({int(bucket): n for bucket, n in buckets.items()})
        histogram.count = histogram.buckets.total()
        histogram.early = early
        histogram.largest = largest
        return histogram


def _middle(bucket: int) -> float:
    if bucket < _EXACT:
        return bucket
    shift = bucket // _PER_DOUBLING - 1
    lowest = (bucket - shift * _PER_DOUBLING) << shift
    return lowest + ((1 << shift) - 1) / 2
