"""A search that something else than its own answers ends."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import cast

import pytest

from load.errors import Exit, LoadError
from load.fleet import Fleet
from load.histogram import Histogram
from load.messages import Tally
from load.report import UNFINISHED
from load.saturation import Search, measure_below, saturate, tell
from load.series import History
from tests.load.test_handshakes import bench
from tests.load.test_saturation import LIMIT_MS


class Idle:
    """A Fleet that hears nothing."""

    pids: Sequence[int] = ()
    deliveries = 0
    histories: Sequence[History] = ()

    def measure(self, since: int) -> None:
        pass

    def complete_to(self, until: int) -> list[int]:
        return [until]

    async def tally(self, until: int) -> Tally:
        del until
        return Tally()


class Limited:
    """A Source whose target takes nothing more."""

    failures = "80 HTTP 429"

    async def head(self) -> int:
        return 0

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        pass

    async def settle(self, seconds: float) -> int:
        del seconds
        return 0


async def test_a_limit_of_the_target_from_the_first_rate_on_is_a_refusal() -> None:
    with pytest.raises(LoadError, match="a limit of the target") as caught:
        await saturate(bench(None), cast("Fleet", Idle()), Limited(), Search(LIMIT_MS))
    assert caught.value.exit_code == Exit.USAGE


class Gone(Limited):
    """A Source that makes all that it is asked for, until it cannot any more."""

    failures = ""

    def __init__(self, runs: int) -> None:
        self._offset = 0
        self._runs = runs

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        assert not stop.is_set()
        if self._runs == 0:
            raise LoadError.unreachable("Redis went away")
        self._runs -= 1
        self._offset += int(rate * seconds)

    async def settle(self, seconds: float) -> int:
        del seconds
        return self._offset


class Late(Idle):
    """A Fleet that hears everything, but later than may be."""

    def __init__(self, seconds: float) -> None:
        self._latencies = Histogram()
        self._latencies.record(int(seconds * 1_000_000))

    async def tally(self, until: int) -> Tally:
        del until
        return Tally(latencies=self._latencies)


@pytest.mark.parametrize(("seconds", "rows"), [(1.0, []), (0.001, [UNFINISHED])])
async def test_a_search_that_an_error_ends_does_not_pass_for_a_finished_one(
    seconds: float, rows: list[str]
) -> None:
    here, search = bench(None), Search(LIMIT_MS, duration=0.02)
    with pytest.raises(LoadError, match="Redis"):
        await saturate(here, cast("Fleet", Late(seconds)), Gone(2), search)
    tell(here, search)

    assert [each.scenario for each in here.outcome.results] == rows
    assert here.outcome.notes[-1] == "tandem: the search ended early: Redis went away"


class Cut(Late):
    """A Fleet whose first measurement ended a connection."""

    def __init__(self) -> None:
        super().__init__(seconds=0.001)
        self._ended = Counter({"close 3008": 1})

    async def tally(self, until: int) -> Tally:
        found = await super().tally(until)
        found.ended, self._ended = self._ended, Counter()
        return found

    async def reopen(self) -> int:
        return 0


async def test_each_try_below_the_highest_rate_is_told_its_begin_and_its_end() -> None:
    told: list[str] = []
    found = await measure_below(
        *(bench(None), cast("Fleet", Cut()), Gone(4)),
        rate=100,
        seconds=0.02,
        begun=lambda: told.append("begun"),
        written=lambda: told.append("written"),
    )
    assert not found.tally.ended
    assert told == ["begun", "written"] * 2
