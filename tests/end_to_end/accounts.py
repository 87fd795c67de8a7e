"""What a crowd of clients is told to do, and the account that it gives of itself."""

import time
from dataclasses import dataclass, field
from typing import Any, Self

from load.histogram import Histogram


@dataclass(frozen=True)
class Job:
    """The clients of one process: who they are (by turns), where, and what they follow.

    On `narrow` sockets the system buffers little, as on a long way and unlike the loopback device,
    which takes megabytes: a client that stops reading is then felt by the server. Clients that do
    not `comes_back` stay away once their connection has ended.
    """

    url: str
    tokens: list[str]
    channel: str
    connections: int
    seed: int = 0
    narrow: bool = False
    comes_back: bool = True


@dataclass(frozen=True)
class Progress:
    """Told ten times a second. `complete_to`: the offset up to which no client lacks anything."""

    subscribed: int = 0
    complete_to: int = 0
    unsubscribed: int = 0
    returns: int = 0
    gone: int = 0


class Windows:
    """Latencies by named stretch of time; an event counts where its `at` (µs since 1970) falls."""

    def __init__(self) -> None:
        self.histograms: dict[str, Histogram] = {}
        self._current = Histogram()
        self._since = 0
        self._before: list[tuple[int, Histogram]] = []

    def begin(self, name: str, since: int) -> None:
        """From `since` on; a name that was there before goes on. Nothing counts under ""."""
        self._before.append((self._since, self._current))
        self._since = since
        self._current = self.histograms.setdefault(name, Histogram()) if name else Histogram()

    def note(self, at: int, received: int) -> None:
        if at >= self._since:
            self._current.record(received - at)
            return
        for since, histogram in reversed(self._before):
            if at >= since:
                histogram.record(received - at)
                return


@dataclass
class Tally:
    """The account of many clients. Moments are µs since 1970.

    `unrecovered`: returns after which the server could not give what was missed. `late`:
    publications that came without a subscription. `undescribed`: messages that are not as the
    AsyncAPI document says. `ends`: how connections and subscriptions ended (`close 3001`,
    `refused 503`, `error 100`, `unsubscribe 2000`) and when, our own cuts left out.
    """

    latencies: dict[str, Histogram] = field(default_factory=dict)
    received: int = 0
    lost: int = 0
    repeated: int = 0
    out_of_order: int = 0
    unrecovered: int = 0
    late: int = 0
    undescribed: int = 0
    cuts: int = 0
    returns: int = 0
    ends: dict[str, list[int]] = field(default_factory=dict)

    def end(self, how: str) -> None:
        self.ends.setdefault(how, []).append(time.time_ns() // 1000)

    def merge(self, other: Self) -> None:
        for name, histogram in other.latencies.items():
            self.latencies.setdefault(name, Histogram()).merge(histogram)
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for how, moments in other.ends.items():
            self.ends.setdefault(how, []).extend(moments)

    def p99(self, window: str) -> float:
        """In milliseconds."""
        found = self.latencies[window].percentile(99)
        assert found is not None, f"nothing was received in {window!r}"
        return found / 1000

    @property
    def ended(self) -> str:
        """For a line of text: `12 close 3001, 3 refused 503`."""
        return ", ".join(f"{len(self.ends[how])} {how}" for how in sorted(self.ends)) or "none"

    @property
    def faults(self) -> dict[str, int]:
        """What no client may ever see."""
        return {name: getattr(self, name) for name in FAULTS}

    def to_json(self) -> dict[str, Any]:
        latencies = {name: each.to_json() for name, each in self.latencies.items()}
        return {**vars(self), "latencies": latencies}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Self:
        latencies = {name: Histogram.from_json(**each) for name, each in given["latencies"].items()}
        return cls(**{**given, "latencies": latencies})


FAULTS = ("lost", "repeated", "out_of_order", "unrecovered", "late", "undescribed")
COUNTS = ("received", *FAULTS, "cuts", "returns")
NO_FAULTS = dict.fromkeys(FAULTS, 0)
