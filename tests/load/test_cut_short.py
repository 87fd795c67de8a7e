"""A measurement that Ctrl-C cut short."""

import asyncio
from dataclasses import replace

import pytest

from load.fleet import Fleet
from load.interruption import Interrupted
from load.measurement import Measured, measure
from load.scenario import Bench
from load.subject import Subject
from tests.load.standin import CONNECTED, START, SUBSCRIBED, standin
from tests.load.test_handshakes import bench

WARM_UP, MEASUREMENT = 1, 2


class Stopped:
    """A Source in whose nth run somebody presses Ctrl-C; it says to have made so many events."""

    failures = ""

    def __init__(self, stopped_in: int, made: int = 0) -> None:
        self._stopped_in = stopped_in
        self._made = made
        self._runs = 0

    async def head(self) -> int:
        return START

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        del rate, seconds
        self._runs += 1
        if self._runs == self._stopped_in:
            stop.set()

    async def settle(self, seconds: float) -> int:
        del seconds
        return START + self._made


async def measured(source: Stopped, here: Bench) -> Measured:
    async with (
        standin(CONNECTED, SUBSCRIBED) as served,
        Fleet(Subject(served.url).job(1), 1) as fleet,
    ):
        return await measure(here, fleet, source, rate=1, seconds=60)


def waiting() -> Bench:
    here = bench(server_pid=None)
    return replace(here, options=replace(here.options, connections=1, warmup=60, drain=0.2))


async def test_during_the_warm_up_nothing_was_measured() -> None:
    with pytest.raises(Interrupted):
        await measured(Stopped(WARM_UP), waiting())


async def test_what_was_lost_in_the_warm_up_is_told_although_nothing_was_measured() -> None:
    here = waiting()
    found = await measured(Stopped(WARM_UP, made=3), here)
    row = found.result("fanout", here)
    assert (row.lost, row.deliveries_per_s, found.seconds) == (3, 0.0, 0.0)
    assert "fanout was cut short: 0.0 s were measured" in list(found.remarks("fanout"))


async def test_afterwards_what_there_is_is_the_measurement() -> None:
    here = waiting()
    found = await measured(
        Stopped(MEASUREMENT), replace(here, options=replace(here.options, warmup=0))
    )
    assert found.interrupted
    assert 0 < found.seconds < 60
