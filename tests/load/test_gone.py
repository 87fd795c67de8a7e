"""A target that goes away during a run, with all sockets or some."""

import asyncio
import io
import json
import os
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from load import handshakes
from load.errors import Exit, LoadError
from load.fleet import Fleet
from load.measurement import keep, measure
from load.runner import run
from load.scenario import Bench, Options, Scenario
from load.screen import Screen
from load.sources.rest import last_offset
from load.subject import Subject
from load.target import Account, Target
from tests.load.standin import CONNECTED, START, SUBSCRIBED, StandIn, publication, standin
from tests.load.test_handshakes import bench

STAFF = Account("staff@tandem.example", "t", 900)
CONNECTIONS = 3
SECONDS = 60


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What is on the screen. This process gets back the core that the load leaves to a server."""
    cores = os.sched_getaffinity(0)
    yield io.StringIO()
    os.sched_setaffinity(0, cores)


class OfDeparted:
    """A Source whose one event was accepted before the target went: no read is answered any more.

    `run` ends when `over` says so; `later` more are accepted after that.
    """

    failures = ""

    def __init__(self, over: Callable[[], bool], later: int = 0) -> None:
        self._over = over
        self._accepted = START + 1 + later
        self._target = Target("http://x", httpx.MockTransport(lambda _: httpx.Response(503)))

    async def head(self) -> int:
        return START

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        del rate, seconds, stop
        async with asyncio.timeout(SECONDS):
            while not self._over():  # noqa: ASYNC110 - a closed socket tells nobody
                await asyncio.sleep(0.01)

    async def settle(self, seconds: float) -> int:
        return await last_offset(self._target, STAFF, self._accepted, seconds)


def options(file: Path | None = None) -> Options:
    short = replace(bench().options, connections=CONNECTIONS, duration=0.1, warmup=0, drain=0.5)
    return replace(short, url="http://x", json=file, own=Namespace())


def hung_up(served: StandIn, count: int) -> bool:
    return sum(each.close_code is not None for each in served.sockets) == count


@pytest.mark.parametrize("later", [0, 5])
async def test_a_run_whose_target_ended_all_connections_is_none_that_was_clean(
    tmp_path: Path, said: io.StringIO, later: int
) -> None:
    file = tmp_path / "out.json"
    async with standin(CONNECTED, SUBSCRIBED, publication(START + 1), close_code=1001) as served:

        async def play(bench: Bench) -> None:
            source = OfDeparted(lambda: hung_up(served, CONNECTIONS), later)
            async with Fleet(Subject(served.url).job(CONNECTIONS), 1) as fleet:
                keep(bench, "fanout", await measure(bench, fleet, source, rate=1, seconds=0.1))

        scenario = Scenario(summary="", play_alone=play)
        screen = Screen(Console(file=said))
        assert await run(scenario, options(file), screen) == Exit.UNREACHABLE
    (row,) = json.loads(file.read_text())["results"]
    assert (row["lost"], row["ended"], row["missed"]) == (0, CONNECTIONS, CONNECTIONS * later)
    assert ("deliveries were missed" in said.getvalue()) == bool(later)
    assert "ended early: the target ended all connections" in said.getvalue()
    assert "everybody" not in said.getvalue()


async def test_idle_connections_that_all_ended_are_told_and_no_clean_run() -> None:
    here = replace(bench(server_pid=None), options=options())
    async with standin(CONNECTED, SUBSCRIBED, close_code=1001) as served:
        with pytest.raises(LoadError, match="ended all connections") as caught:
            await handshakes.idle(here, Subject(served.url))
    assert caught.value.exit_code == Exit.UNREACHABLE
    assert [each.ended for each in here.outcome.results] == [CONNECTIONS]
