"""What the command and its client processes tell each other: one JSON object a line."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from load.histogram import Histogram

PROGRESS_SECONDS = 0.1


@dataclass(frozen=True)
class Job:
    """The first line to a client process. `url` is the target's http address."""

    url: str
    token: str
    channel: str
    connections: int
    dialect: str = "tandem"
    at_once: int = 32
    """How many open at the same time."""
    channels: Sequence[str] = ()
    """Instead of `channel`: the nth connection follows every nth of them."""
    compression: bool = False
    """Whether they agree on it with the target."""


@dataclass(frozen=True)
class Progress:
    """Told every PROGRESS_SECONDS. `complete_to`: the offset that every open connection has."""

    deliveries: int = 0
    complete_to: int = 0


@dataclass
class Tally:
    """The account of many connections. `last` is the last timed receipt, µs since 1970."""

    latencies: Histogram = field(default_factory=Histogram)
    lost: int = 0
    missed: int = 0
    """What came after the end of connections that ended: nobody was there to lose it."""
    duplicated: int = 0
    out_of_order: int = 0
    received: int = 0
    """Different events that came, each counted once for each connection."""
    last: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    """How connections ended before their time, and how many."""
    returned: Counter[str] = field(default_factory=Counter)
    """How some were closed that read nothing for a while, and came back."""

    @property
    def faults(self) -> int:
        return self.lost + self.duplicated + self.out_of_order

    def lose_what_was_missed(self) -> None:
        self.lost, self.missed = self.lost + self.missed, 0

    def merge(self, other: Self) -> None:
        self.latencies.merge(other.latencies)
        self.lost += other.lost
        self.missed += other.missed
        self.duplicated += other.duplicated
        self.out_of_order += other.out_of_order
        self.received += other.received
        self.last = max(self.last, other.last)
        self.ended.update(other.ended)
        self.returned.update(other.returned)

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "latencies": self.latencies.to_json()}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Self:
        latencies = Histogram.from_json(**given["latencies"])
        counters = {name: Counter(given[name]) for name in ("ended", "returned")}
        return cls(**{**given, "latencies": latencies, **counters})


def encode(kind: str, body: Any = None) -> bytes:
    """One line; dataclasses of plain values are written as objects."""
    plain = asdict(body) if isinstance(body, Job | Progress) else body
    return json.dumps([kind, plain]).encode() + b"\n"


def decode(line: bytes) -> tuple[str, Any]:
    kind, body = json.loads(line)
    return kind, body
