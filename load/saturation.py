"""The highest rate that a server keeps up with: multiplied until it does not, then closed in on."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from math import sqrt

from load.errors import LoadError
from load.fleet import Fleet
from load.measurement import Measured, add_row, measure
from load.quantities import positive
from load.report import OVERLOADED, UNFINISHED, milliseconds
from load.scenario import Bench
from load.source import Paced, Source

FIRST_RATE = 50.0
LIMIT_MS = 60.0
LOWEST_RATE = 1.0
PRECISION = 1.07
"""Two rates closer than this are told apart by chance."""
MADE = 0.97
"""A source that made less than this share of what was asked is what the run would measure."""
WHOLE = 2
"""Warm-up and measurement make whole events only: so many fewer may be no fault of the source."""
ROUGH_SECONDS = 1.5
LIMITED = "HTTP 429"
INTERRUPTED = "interrupted: the highest rate may be higher"
TRIES = 2
"""A rate is too high when it failed so often: another program may have had the core once."""
HOPELESS = 10.0
"""So many times over the limit one failure is enough."""
EASY_CPU = 0.2
"""Below this share of a core a server is far from its highest rate."""


@dataclass
class Search:
    """Rates that were tried. `best` is the highest that was kept up with.

    With `strict` a repeat or disorder is a fault of the server, at any rate, and ends the search,
    and so is a loss on a connection that lasted; otherwise the rate was too high.

    Rates are measured for ROUGH_SECONDS until one is too high, from then on for `duration`, and so
    is the best one before it counts.
    """

    limit_ms: float
    strict: bool = True
    duration: float = ROUGH_SECONDS
    best: Measured | None = None
    too_high: float | None = None
    fault: Measured | None = None
    over: str = ""
    """Why it ended before it was done."""
    tried: list[Measured] = field(default_factory=list)
    rough: int = 0
    """So many of the tried, the first ones, were measured for less than `duration`."""

    def rates(self, first: float) -> Iterator[float]:
        """What to try next, until it is known closely enough or the lowest fails."""
        rate = first
        while self.too_high is None:
            yield rate
            rate *= self._step()
        while next_rate := self._closer(self.too_high):
            yield next_rate

    @property
    def seconds(self) -> float:
        """How long the next rate is measured."""
        return self.duration if self.too_high else ROUGH_SECONDS

    def judge(self, measured: Measured) -> bool:
        """Whether the rate is decided, or is to be tried again."""
        self.rough += self.seconds < self.duration
        self.tried.append(measured)
        if keeps_up(measured, self.limit_ms):
            if self.best is None or measured.rate >= self.best.rate:
                self.best = measured
            return True
        self.over = self._end(measured)
        if not self.over and self._failed_for_good(measured):
            self._lower(measured.rate)
        return bool(self.over) or self.too_high == measured.rate

    @property
    def shown(self) -> Measured | None:
        """What stands for the search: its fault, or else the best, or else the last that failed.

        None where it was over before any rate was decided: that says nothing about the server.
        """
        failed = self.tried[-1] if self.tried and not self.over else None
        return self.fault or self.best or failed

    def _closer(self, too_high: float) -> float | None:
        if self.best is None:
            return too_high / 2 if too_high > LOWEST_RATE else None
        if too_high > self.best.rate * PRECISION:
            return sqrt(self.best.rate * too_high)
        is_rough = any(each is self.best for each in self.tried[: self.rough])
        return self.best.rate if is_rough else None

    def _failed_for_good(self, measured: Measured) -> bool:
        tries = [each for each in self.tried if each.rate == measured.rate]
        failed = [each for each in tries if not keeps_up(each, self.limit_ms)]
        p99 = milliseconds(measured.tally.latencies, 99) or 0.0
        hopeless = p99 > HOPELESS * self.limit_ms
        return len(failed) >= TRIES or hopeless or bool(measured.tally.ended)

    def _lower(self, too_high: float) -> None:
        """What held a higher rate, or this one for a moment, is the best no longer."""
        self.too_high = too_high
        if self.best and self.best.rate >= too_high:
            lower = [each for each in self.tried if each.rate < too_high]
            held = [each for each in lower if keeps_up(each, self.limit_ms)]
            self.best = max(held, key=lambda each: each.rate, default=None)

    @property
    def load_bound(self) -> str:
        """What the load itself lacked at the lowest rate that was too high; mostly nothing."""
        failed = [each for each in self.tried if each.rate == self.too_high]
        failed = [each for each in failed if not keeps_up(each, self.limit_ms)]
        if any(each.usage.client_bound or each.usage.machine_bound for each in failed):
            return "the load's cores were over 90 % busy"
        made_less = any(fell_behind(each) and not each.failures for each in failed)
        return "the load made fewer" if made_less else ""

    def _end(self, measured: Measured) -> str:
        if self.strict and measured.tally.faults:
            self.fault = measured
            return f"a fault at {measured.rate:,.0f} events/s ended the search"
        if LIMITED in measured.failures:
            return f"a limit of the target ended the search: {measured.failures}"
        return INTERRUPTED if measured.interrupted else ""

    def _step(self) -> int:
        cpu = self.best.usage.server if self.best else None
        return 4 if cpu is not None and cpu < EASY_CPU else 2


def keeps_up(measured: Measured, limit_ms: float) -> bool:
    """Everything arrived, in order and once, all that was asked for, and p99 within the limit.

    A backlog that grows is seen in the p99: within a second at one more percent than is possible,
    the last events wait for 10 ms.
    """
    p99 = milliseconds(measured.tally.latencies, 99)
    whole = not (measured.tally.faults or measured.tally.ended or measured.interrupted)
    return whole and p99 is not None and p99 <= limit_ms and not fell_behind(measured)


def fell_behind(measured: Measured) -> bool:
    """Whether the source made less than was asked of it."""
    asked = measured.rate * measured.asked_seconds
    return measured.made < asked * MADE - WHOLE


async def saturate(
    bench: Bench, fleet: Fleet, source: Source, search: Search, *, first: float = FIRST_RATE
) -> None:
    """Fills `search`, which Ctrl-C ends with what it has found so far.

    Raises LoadError when a limit of the target left nothing to be found, and what ends a
    measurement, which ends the search, too.
    """
    try:
        for rate in search.rates(first):
            await _try(bench, fleet, source, search, rate)
            if search.over:
                break
    except LoadError as error:
        search.over = f"the search ended early: {error}"
        raise
    if search.over and not search.shown and not bench.interruption.happened:
        raise LoadError.refused(search.over)


async def _try(bench: Bench, fleet: Fleet, source: Source, search: Search, rate: float) -> None:
    """Until it is decided whether the rate is kept up with."""
    decided = False
    while not decided:
        measured = await measure(bench, fleet, source, rate=rate, seconds=search.seconds)
        decided = search.judge(measured)
        bench.screen.say(_line(measured, search.limit_ms))
        if measured.tally.ended and not measured.interrupted:
            await _open_anew(fleet, source)


async def measure_below(
    bench: Bench,
    fleet: Fleet,
    source: Source,
    *,
    rate: float,
    seconds: float,
    **told: Callable[[], None],
) -> Measured:
    """At a rate that was kept up with; once more if that ended connections, see TRIES. `told` are
    those of `measure`, each time.

    What is published on the wire is in no log: who falls behind by more than a ring is cut off.
    """
    again = partial(measure, bench, fleet, source, rate=rate, seconds=seconds, **told)
    measured = await again()
    if not measured.tally.ended or measured.interrupted or measured.tally.faults:
        return measured
    bench.screen.say(_line(measured, LIMIT_MS))
    await _open_anew(fleet, source)
    return await again()


async def _open_anew(fleet: Fleet, source: Source) -> None:
    """After a rate that ended connections: a server may close those that fall too far behind."""
    offset = await fleet.reopen()
    if isinstance(source, Paced):
        source.go_on_after(offset)


def tell(bench: Bench, search: Search) -> None:
    """Add what was found to the outcome, were it cut short."""
    if bench.interruption.happened:
        search.over = search.over or INTERRUPTED
    if search.shown:
        decided = "saturate" if search.best else OVERLOADED
        add_row(bench, UNFINISHED if search.over else decided, search.shown)
    ended = sum((each.tally.ended for each in search.tried if each is not search.shown), Counter())
    for how, times in sorted(ended.items()):
        note = f"{bench.peer}: {times:,} connections ended at rates that were too high: {how}"
        bench.outcome.notes.append(note)
    if search.over:
        bench.outcome.notes.append(f"{bench.peer}: {search.over}")
    elif search.best is None and search.tried:
        slow = f"{search.tried[-1].rate:,.0f} events/s, the lowest rate that was tried"
        bench.outcome.notes.append(f"{bench.peer} did not keep up with {slow}")
    if (why := search.load_bound) and not search.over:
        note = f"at {search.too_high:,.0f} events/s {why}: the server may reach more"
        bench.outcome.notes.append(f"{bench.peer}: {note}")


def add_search_flags(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("search").add_argument
    add("--limit", type=positive, default=LIMIT_MS, help="highest p99, ms (default: %(default)g)")
    first = "rate to begin at, near the expected one to save time"
    add("--first", type=positive, metavar="RATE", help=first)


def _line(measured: Measured, limit_ms: float) -> str:
    failed = "cut short" if measured.interrupted else "too much"
    verdict = "kept up" if keeps_up(measured, limit_ms) else failed
    tally = measured.tally
    faults = (tally.lost, tally.duplicated, tally.out_of_order)
    told = f", ended {tally.ended.total():,} that missed {tally.missed:,}" * bool(tally.ended)
    told += f", lost {faults[0]:,}, twice {faults[1]:,}, disorder {faults[2]:,}" * any(faults)
    return (
        f"{measured.rate:8,.0f} events/s: {verdict},"
        f" p50 {milliseconds(tally.latencies, 50) or 0:.1f} ms,"
        f" p99 {milliseconds(tally.latencies, 99) or 0:.1f} ms,"
        f" server {measured.usage.server or 0:.0%}, client {measured.usage.client:.0%}{told}"
    )
