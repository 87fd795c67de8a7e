"""The highest rate that a server keeps up with: doubled until it does not, then closed in on."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from load.fleet import Fleet
from load.measurement import Measured, measure
from load.report import milliseconds
from load.scenario import Bench
from load.source import Source

FIRST_RATE = 50.0
PRECISION = 1.07
"""Two rates closer than this are told apart by chance."""
MADE = 0.97
"""A source that made less than this share of what was asked is what the run would measure."""
WHOLE = 2
"""Warm-up and measurement make whole events only: so many fewer may be no fault of the source."""
ROUGH_SECONDS = 1.5
TRIES = 2
"""A rate is too high when it failed so often: another program may have had the core once."""


@dataclass
class Search:
    """Rates that were tried. `best` is the highest that was kept up with."""

    limit_ms: float
    best: Measured | None = None
    too_high: float | None = None
    tried: list[Measured] = field(default_factory=list)

    def rates(self, first: float) -> Iterator[float]:
        """What to try next, until it is known closely enough or the lowest fails."""
        rate = first
        while self.too_high is None:
            yield rate
            rate *= 2
        while self.best and self.too_high > self.best.rate * PRECISION:
            yield (self.best.rate * self.too_high) ** 0.5

    def judge(self, measured: Measured) -> bool:
        """Whether the server kept up."""
        self.tried.append(measured)
        kept_up = keeps_up(measured, self.limit_ms)
        if kept_up and (self.best is None or measured.rate >= self.best.rate):
            self.best = measured
        return kept_up


def keeps_up(measured: Measured, limit_ms: float) -> bool:
    """Everything arrived, in order and once, all that was asked for, and p99 within the limit.

    A backlog that grows is seen in the p99: within a second at one more percent than is possible,
    the last events wait for 10 ms.
    """
    tally, p99 = measured.tally, milliseconds(measured.tally.latencies, 99)
    asked = measured.rate * measured.asked_seconds
    clean = not (tally.lost or tally.duplicated or tally.out_of_order or tally.ended)
    return clean and p99 is not None and p99 <= limit_ms and measured.made >= asked * MADE - WHOLE


async def saturate(
    bench: Bench, fleet: Fleet, source: Source, *, limit_ms: float, first: float = FIRST_RATE
) -> Search:
    """Ctrl-C ends the search with what it has found so far."""
    search = Search(limit_ms)
    for rate in search.rates(first):
        for _ in range(TRIES):
            seconds = bench.options.duration if search.too_high else ROUGH_SECONDS
            measured = await measure(bench, fleet, source, rate=rate, seconds=seconds)
            bench.screen.say(_line(measured, limit_ms))
            if measured.interrupted or measured.tally.ended or search.judge(measured):
                break
        else:
            search.too_high = rate
        if measured.interrupted or measured.tally.ended:
            break
    return search


def _line(measured: Measured, limit_ms: float) -> str:
    verdict = "kept up" if keeps_up(measured, limit_ms) else "too much"
    tally = measured.tally
    faults = (tally.lost, tally.duplicated, tally.out_of_order)
    told = f", lost {faults[0]:,}, twice {faults[1]:,}, disorder {faults[2]:,}" * any(faults)
    return (
        f"{measured.rate:8,.0f} events/s: {verdict},"
        f" p50 {milliseconds(tally.latencies, 50) or 0:.1f} ms,"
        f" p99 {milliseconds(tally.latencies, 99) or 0:.1f} ms,"
        f" server {measured.usage.server or 0:.0%}, client {measured.usage.client:.0%}{told}"
    )
