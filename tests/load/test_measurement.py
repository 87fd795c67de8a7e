"""Where a measured stretch ends."""

import asyncio
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain, repeat

import httpx
import pytest

from load.errors import LoadError
from load.histogram import Histogram
from load.measurement import Measured, arrive, drain, keep
from load.messages import Tally
from load.sources.rest import last_offset
from load.target import Account, Target
from load.usage import Usage
from tests.load.test_handshakes import bench

STAFF = Account("staff@tandem.example", "t", 900)
SECONDS = 10


def measured(server: float | None, deliveries: int) -> Measured:
    latencies = Histogram()
    latencies.record(1_000, deliveries)
    return Measured(
        rate=10.0,
        asked_seconds=1.0,
        made=10,
        tally=Tally(latencies),
        usage=Usage(0.1, server),
        seconds=1.0,
        interrupted=False,
        cpu_seconds=0.5 if server else 0.0,
    )


def test_the_cost_of_a_delivery_is_told_in_microseconds() -> None:
    assert measured(server=0.5, deliveries=100_000).cost == {"server_us_per_delivery": 5.0}
    assert measured(server=0.5, deliveries=100_000).told_cost == "5.0 µs each"


@pytest.mark.parametrize(("server", "deliveries"), [(None, 100), (0.5, 0)])
def test_a_cost_that_cannot_be_seen_is_left_out(server: float | None, deliveries: int) -> None:
    assert measured(server, deliveries).cost == {}


def target(*heads: int) -> Target:
    """Answers with one head after the other, and then always with the last."""
    answers = chain(heads, repeat(heads[-1]))

    def answer(_: httpx.Request) -> httpx.Response:
        position = {"channel": "orders", "epoch": "e", "offset": next(answers)}
        return httpx.Response(200, json={"items": [], "position": position})

    return Target("http://tandem.example", httpx.MockTransport(answer))


async def test_the_end_waits_until_every_accepted_write_has_its_number() -> None:
    assert await last_offset(target(18, 19, 20), STAFF, accepted=20, seconds=SECONDS) == 20


async def test_events_of_others_belong_to_it() -> None:
    assert await last_offset(target(25), STAFF, accepted=20, seconds=SECONDS) == 25


async def test_the_end_waits_for_the_last_writes_although_the_head_ran_ahead() -> None:
    """As it does where writes were done whose answers never came."""
    assert await last_offset(target(20, 21, 22, 22), STAFF, accepted=20, seconds=SECONDS) == 22


async def test_whoever_writes_on_does_not_hold_up_the_end() -> None:
    others = target(*range(25, 1_000))
    async with asyncio.timeout(SECONDS):
        assert await last_offset(others, STAFF, accepted=20, seconds=0.3) >= 25


async def test_what_got_its_number_while_others_waited_is_waited_for_too() -> None:
    class Late:
        """A Source whose last two events had no number at the first look."""

        failures = ""

        def __init__(self) -> None:
            self.looks = iter((20, 22))

        async def head(self) -> int:
            raise NotImplementedError

        async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
            raise NotImplementedError

        async def settle(self, seconds: float) -> int:
            del seconds
            return next(self.looks)

    asked = []

    def complete_to(until: int) -> list[int]:
        asked.append(until)
        return [until]

    assert await arrive(Late(), complete_to, SECONDS) == 22
    assert asked == [20, 22]


async def test_an_accepted_write_that_gets_no_number_is_expected_all_the_same() -> None:
    assert await last_offset(target(18), STAFF, accepted=20, seconds=0) == 20


async def test_a_target_that_fails_at_the_end_still_owes_what_it_accepted() -> None:
    failing = Target("http://tandem.example", httpx.MockTransport(lambda _: httpx.Response(503)))
    assert await last_offset(failing, STAFF, accepted=20, seconds=SECONDS) == 20


async def test_waiting_ends_when_nothing_more_comes() -> None:
    async with asyncio.timeout(SECONDS):
        await drain(lambda until: [until, 7], 10, seconds=0)


@pytest.mark.parametrize(("ended", "lost", "missed"), [(1, 7, 0), (2, 2, 5)])
def test_what_some_missed_who_were_cut_off_is_lost_where_others_were_served(
    ended: int, lost: int, missed: int
) -> None:
    here = replace(bench(), options=replace(bench().options, connections=2))
    found = measured(0.5, 10)
    found.tally.lost, found.tally.missed = 2, 5
    found.tally.ended = Counter({"close 3010": ended})
    with nullcontext() if lost == 7 else pytest.raises(LoadError, match="all connections"):
        keep(here, "fanout", found)
    (row,) = here.outcome.results
    assert (row.lost, row.missed) == (lost, missed)
