"""Client processes, real ones, against a stand-in's socket."""

import asyncio

import pytest

from load.errors import Exit, LoadError
from load.fleet import Fleet, shares
from load.measurement import drain
from load.messages import Job
from tests.load.standin import CONNECTED, DENIED, START, SUBSCRIBED, publication, standin

SECONDS = 20


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
