"""Client processes, real ones, against a stand-in's socket."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from load.errors import Exit, LoadError
from load.fleet import Fleet, Reader, shares
from load.measurement import drain
from load.messages import Job, Tally, encode
from tests.load.standin import CONNECTED, DENIED, START, SUBSCRIBED, publication, standin
from tests.waiting import until

SECONDS = 20
FAKE = """
import sys, time
for kind, seconds in zip(("here", "ready"), map(float, sys.argv[1:])):
    time.sleep(seconds)
    print('["%s", null]' % kind, flush=True)
    sys.stdin.readline()
"""
LATE = """
import sys
for line in ('["here", null]', '["ready", null]', '["progress", {"deliveries": 1}]', sys.argv[1]):
    print(line, flush=True)
    sys.stdin.readline()
print('["progress", {"deliveries": 2}]', flush=True)
sys.stdin.readline()
"""
"""Gives the answer when it is told something else besides."""


async def test_the_processes_share_the_connections_and_add_up() -> None:
    script = (CONNECTED, SUBSCRIBED, publication(201), publication(203))
    async with (
        asyncio.timeout(SECONDS),
        standin(*script) as served,
        Fleet(Job(served.url, "t", "orders", 5), processes=2) as fleet,
    ):
        assert len(set(fleet.pids)) == 2
        await drain(fleet.complete_to, 201, seconds=SECONDS)
        assert fleet.deliveries == 10
        found = await fleet.tally(203)
    assert (found.lost, found.duplicated, found.out_of_order) == (5, 0, 0)


async def test_the_time_to_connect_is_from_the_last_start_to_the_last_subscription() -> None:
    """Processes that started at different times have connected at the same."""
    commands = iter([fake(here=5.0, ready=0.4), fake(here=0.0, ready=0.8)])
    told: list[list[int]] = []
    async with (
        asyncio.timeout(SECONDS),
        Fleet(
            Job("http://x", "t", "orders", 2),
            processes=2,
            starting=told.append,
            start=lambda: Reader.start(next(commands)),
        ) as fleet,
    ):
        assert 0.8 <= fleet.connected_in < 5
        assert told == [fleet.pids]


def fake(*, here: float, ready: float) -> tuple[str, ...]:
    """A client process that takes so many seconds to start, and then to connect."""
    return (sys.executable, "-c", FAKE, str(here), str(ready))


async def test_connections_that_are_opened_anew_begin_where_they_are_told_to() -> None:
    async with (
        asyncio.timeout(SECONDS),
        standin(CONNECTED, SUBSCRIBED, close_code=3008) as served,
        Fleet(Job(served.url, "t", "orders", 3), processes=1) as fleet,
    ):
        before = fleet.pids
        served.close_code = None
        assert await fleet.reopen() == START
        assert fleet.pids != before
        assert not (await fleet.tally(START)).ended
    assert len(served.sockets) == 6


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda fleet: fleet.tally(0), encode("tally", Tally().to_json())),
        (lambda fleet: fleet.storm(), encode("returned", 1.5)),
    ],
    ids=["tally", "storm"],
)
async def test_an_answer_that_nobody_waits_for_any_more_ends_nothing(
    ask: Callable[[Fleet], Coroutine[Any, Any, object]], answer: bytes
) -> None:
    command = (sys.executable, "-c", LATE, answer.decode().strip())
    job = Job("http://x", "t", "orders", 1)
    async with Fleet(job, 1, start=lambda: Reader.start(command)) as fleet:
        asking = asyncio.create_task(ask(fleet))
        await until(lambda: fleet.deliveries == 1, SECONDS)
        asking.cancel()
        await asyncio.wait({asking})
        fleet.go_on()
        fleet.go_on()
        await until(lambda: fleet.deliveries == 2, SECONDS)


async def test_a_refusal_in_a_client_process_reaches_the_command() -> None:
    async with standin(CONNECTED, DENIED) as served, asyncio.timeout(SECONDS):
        with pytest.raises(LoadError, match="sign in as staff") as caught:
            async with Fleet(Job(served.url, "t", "orders", 2), processes=1):
                pass
    assert caught.value.exit_code == Exit.USAGE


@pytest.mark.parametrize(
    ("connections", "processes", "expected"),
    [(10, 2, [5, 5]), (5, 2, [3, 2]), (1, 4, [1])],
)
def test_connections_are_spread_evenly_and_no_process_has_none(
    connections: int, processes: int, expected: list[int]
) -> None:
    found = shares(Job("http://x", "t", "orders", connections), processes)
    assert [job.connections for job in found] == expected
