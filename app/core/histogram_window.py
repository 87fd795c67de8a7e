"""What a histogram of this process observed since it was last asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from prometheus_client import Histogram


@dataclass(frozen=True)
class Observed:
    """`bounds` are the buckets' upper ends, without the last one's, which has none; `counts` how
    many observations each of the buckets got.
    """

    bounds: Sequence[float]
    counts: Sequence[float]
    sum: float

    @property
    def count(self) -> float:
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        return self.sum / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """As Prometheus estimates it: evenly spread within a bucket, at most the last bound."""
        if not self.count:
            return None
        rank, low, below = share * self.count, 0.0, 0.0
        for high, upto in zip(self.bounds, accumulate(self.counts), strict=False):
            if upto >= rank and upto > below:
                return low + (high - low) * (rank - below) / (upto - below)
            low, below = high, upto
        return self.bounds[-1]


class Window:
    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._seen, self._sum = self._read()

    def take(self) -> Observed:
        """What was observed since the last time."""
        seen, total = self._read()
        new = {bound: seen[bound] - before for bound, before in self._seen.items()}
        observed = Observed(
            bounds=sorted(seen)[:-1],
            counts=[high - low for low, high in pairwise([0.0, *(new[at] for at in sorted(new))])],
            sum=total - self._sum,
        )
        self._seen, self._sum = seen, total
        return observed

    def _read(self) -> tuple[dict[float, float], float]:
        """How many observations were at most so much, and the sum of all."""
        upto: dict[float, float] = {}
        total = 0.0
        for metric in self._histogram.collect():
            for sample in metric.samples:
                if sample.name.endswith("_bucket"):
                    upto[float(sample.labels["le"])] = sample.value
                elif sample.name.endswith("_sum"):
                    total = sample.value
        return upto, total
