"""What a run found: the row that goes into --json, and its lines for the terminal."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from load.errors import Exit
from load.histogram import Histogram
from load.machine import Machine
from load.series import Series
from load.usage import BOUND, Usage

OURS = "tandem"
"""The peer whose faults are the run's."""

OVERLOADED = "overloaded"
"""Scenario of a result whose rate was not kept up with, when no other was."""

UNFINISHED = "saturate, unfinished"
"""Scenario of what a search had found when it broke off, or of the fault that ended it."""

SIGNED_IN = "connect, signed in"
"""Scenario of another server's result for which it did what Tandem does for each connection."""

EXTRA = {
    "load_cores": ("load's cores", "{:.0%} busy"),
    "machine_cores": ("machine's cores", "{:.0%} busy"),
    "bytes_per_connection": ("memory a connection", "{:,.0f} bytes"),
    "connects_per_s": ("connects/s", "{:,.0f}"),
    "server_us_per_connect": ("server CPU a connect", "{:,.0f} µs"),
    "server_us_per_delivery": ("server CPU a delivery", "{:,.2f} µs"),
    "channels": ("channels", "{:,.0f}"),
    "back_within_ms": ("all back within", "{:,.0f} ms"),
    "requests_per_s": ("requests/s", "{:,.1f}"),
    "health_p99_ms": ("GET /health p99", "{:,.1f} ms"),
    "handshake_p99_ms": ("new connection p99", "{:,.1f} ms"),
    "share_of_unrecorded": ("share of unrecorded (median)", "{:.0%}"),
    "events_per_s": ("events/s through the relay", "{:,.0f}"),
    "pending_age_p50_ms": ("pending age p50", "{:,.1f} ms"),
    "pending_age_p99_ms": ("pending age p99", "{:,.1f} ms"),
    "request_p50_ms": ("request p50", "{:,.1f} ms"),
    "request_p99_ms": ("request p99", "{:,.1f} ms"),
}
"""Figures that not every scenario has: label and form in the table."""
_APART = {"extra", "latencies", "series"}
"""What does not go into the JSON as it is."""


@dataclass(frozen=True)
class Result:
    """One row. `rate` is the asked one, events a second; times in ms, CPU in cores, memory in MB.

    `client_cpu` is the busiest client process; `server_cpu` and `server_rss_mb` are Tandem's own
    processes without Postgres and Valkey, None when the server is not ours. Percentiles are within
    0.4 %, None when nothing arrived.
    """

    peer: str
    scenario: str
    connections: int
    rate: float
    deliveries_per_s: float
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    lost: int
    duplicated: int
    out_of_order: int
    client_cpu: float
    server_cpu: float | None
    server_rss_mb: float | None
    ended: int = 0
    """Connections that the target ended before their time."""
    missed: int = 0
    """Deliveries to those of what came after their end: no losses."""
    extra: Mapping[str, float] = field(default_factory=dict)
    """What only this scenario has, by its name in the JSON: see EXTRA."""
    latencies: Histogram = field(default_factory=Histogram)
    series: Series = ()

    @classmethod
    def undelivered(  # noqa: PLR0913 - a row's figures, by name
        cls,
        peer: str,
        scenario: str,
        usage: Usage,
        extra: Mapping[str, float],
        *,
        connections: int = 0,
        rate: float = 0.0,
        lost: int = 0,
        duplicated: int = 0,
        ended: int = 0,
    ) -> "Result":
        """Of a scenario in which nobody listens, so that nothing has a latency."""
        return cls(
            peer=peer,
            scenario=scenario,
            connections=connections,
            rate=rate,
            deliveries_per_s=0.0,
            p50_ms=None,
            p90_ms=None,
            p99_ms=None,
            max_ms=None,
            lost=lost,
            duplicated=duplicated,
            out_of_order=0,
            client_cpu=usage.client,
            server_cpu=usage.server,
            server_rss_mb=usage.server_rss,
            ended=ended,
            extra={**usage.load, **extra},
        )

    @property
    def counted(self) -> bool:
        """Whether its faults are the run's. Other servers promise less, and are only shown."""
        return self.peer == OURS

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicated or self.out_of_order)

    @property
    def delivered(self) -> bool:
        """Whether there was anything to lose."""
        return bool(self.deliveries_per_s) or not self.clean

    @property
    def client_bound(self) -> bool:
        return max(self.client_cpu, self.extra.get("load_cores", 0.0)) > BOUND


@dataclass
class Outcome:
    """The rows of a scenario so far, and what the reader of them should know.

    `compared`: they are those of several servers.
    """

    results: list[Result] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    compared: bool = False

    def add(self, result: Result, *notes: str) -> None:
        self.results.append(result)
        self.notes += notes

    @property
    def clean(self) -> bool:
        return all(result.clean for result in self.results if result.counted)

    @property
    def delivered(self) -> bool:
        return any(each.delivered for each in self.results)

    @property
    def exit_code(self) -> Exit:
        return Exit.CLEAN if self.clean else Exit.UNCLEAN


def verdict(outcome: Outcome) -> str:
    """One line."""
    if not outcome.clean:
        return f"NOT CLEAN: {', '.join(_faults(outcome.results))}"
    if not outcome.delivered:
        return "nothing was to be delivered"
    if not any(each.delivered for each in outcome.results if each.counted):
        return f"nothing of {OURS} was measured"
    if outcome.compared:
        return f"clean: tandem delivered every event once, in order, {_whom(outcome.results)}"
    return f"clean: every event once, in order, {_whom(outcome.results)}"


def _whom(results: Sequence[Result]) -> str:
    """Who was cut off got what was sent until then."""
    lasting = not any(each.ended for each in results if each.counted)
    return "to everybody" if lasting else "to whoever was still connected"


def _faults(results: Sequence[Result]) -> Iterator[str]:
    """Those that count, of each kind that there was."""
    mine = [each for each in results if each.counted]
    for count, kind in (
        (sum(each.lost for each in mine), "lost"),
        (sum(each.duplicated for each in mine), "duplicated"),
        (sum(each.out_of_order for each in mine), "out of order"),
    ):
        if count:
            yield f"{count:,} {kind}"


def milliseconds(latencies: Histogram, percent: float) -> float | None:
    found = latencies.percentile(percent)
    return None if found is None else round(found / 1000, 3)


def to_json(machine: Machine, results: Sequence[Result]) -> str:
    document = {"machine": asdict(machine), "results": [_plain(result) for result in results]}
    return json.dumps(document, indent=2) + "\n"


def _plain(result: Result) -> dict[str, Any]:
    plain = {name: value for name, value in vars(result).items() if name not in _APART}
    series = {"deliveries_per_s_over_time": result.series} if result.series else {}
    return {**plain, **result.extra, **series}


def rows(results: Sequence[Result]) -> list[tuple[str, list[str]]]:
    """Label and one cell for each result, in the order of reading."""
    return [
        ("connections", [f"{each.connections:,}" for each in results]),
        ("events/s asked", [f"{each.rate:,g}" for each in results]),
        ("deliveries/s", [f"{each.deliveries_per_s:,.0f}" for each in results]),
        ("latency p50", [_time(each.p50_ms) for each in results]),
        ("latency p90", [_time(each.p90_ms) for each in results]),
        ("latency p99", [_time(each.p99_ms) for each in results]),
        ("latency max", [_time(each.max_ms) for each in results]),
        ("lost", [f"{each.lost:,}" for each in results]),
        ("duplicated", [f"{each.duplicated:,}" for each in results]),
        ("out of order", [f"{each.out_of_order:,}" for each in results]),
        ("client CPU", [_client(each) for each in results]),
        ("server CPU", [_share(each.server_cpu) for each in results]),
        ("server memory", [_memory(each.server_rss_mb) for each in results]),
        *_extra_rows(results),
    ]


def _extra_rows(results: Sequence[Result]) -> Iterator[tuple[str, list[str]]]:
    for name, (label, form) in EXTRA.items():
        if any(name in each.extra for each in results):
            cells = [
                form.format(each.extra[name]) if name in each.extra else "-" for each in results
            ]
            yield label, cells


def _time(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f} ms"


def _share(cores: float | None) -> str:
    return "-" if cores is None else f"{cores:.0%} of a core"


def _client(result: Result) -> str:
    return _share(result.client_cpu) + " (client-bound)" * result.client_bound


def _memory(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} MB"
