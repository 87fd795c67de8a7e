"""What the connections of one client process do together."""

import asyncio
import errno
import json
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from load.crowd import Crowd
from load.errors import Exit, LoadError
from load.messages import Job
from tests.load.standin import CONNECTED, SUBSCRIBED, StandIn, publication, standin

READY = f"{CONNECTED}\n{SUBSCRIBED}"
SECONDS = 10


async def opened(served: StandIn, connections: int) -> Crowd:
    crowd = Crowd(Job(served.url, "t", "orders", connections))
    await crowd.open()
    return crowd


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - what the sockets read tells nobody
            await asyncio.sleep(0.005)


def subscribes(served: StandIn) -> list[dict[str, object]]:
    return [each["subscribe"] for each in map(json.loads, served.commands) if "subscribe" in each]


@contextmanager
def no_more_files() -> Iterator[None]:
    """This process can open nothing."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_where_no_more_files_can_be_opened_it_is_told_what_helps() -> None:
    async with standin(READY) as served:
        with pytest.raises(LoadError, match="ulimit -n") as caught, no_more_files():
            await opened(served, 1)
    assert caught.value.exit_code == Exit.USAGE


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (errno.EADDRNOTAVAIL, Exit.USAGE, "ip_local_port_range"),
        (errno.ECONNREFUSED, Exit.UNREACHABLE, "could not connect"),
    ],
)
def test_a_lack_of_ports_is_ours_and_a_refusal_the_targets(
    number: int, code: Exit, told: str
) -> None:
    error = LoadError.unconnected(OSError(number, os.strerror(number)))
    assert error.exit_code == code
    assert told in str(error)


async def test_in_a_storm_everybody_comes_back_with_the_position_that_it_had() -> None:
    async with standin(READY, publication(201)) as served:
        crowd = await opened(served, 3)
        await until(lambda: crowd.progress().complete_to == 201)
        assert await crowd.storm() > 0
        crowd.leave()
    first, again = subscribes(served)[:3], subscribes(served)[3:]
    assert first == [{"channel": "orders"}] * 3
    back = {"channel": "orders", "recover": True, "offset": 201, "epoch": "e"}
    assert again == [back] * 3


async def test_a_storm_is_no_early_end_and_the_accounts_go_on() -> None:
    async with standin(READY, publication(201)) as served:
        crowd = await opened(served, 2)
        await until(lambda: crowd.progress().complete_to == 201)
        await crowd.storm()
        await until(lambda: crowd.progress().deliveries == 4)
        found = crowd.tally(202)
        crowd.leave()
    assert not found.ended
    assert (found.lost, found.duplicated) == (2, 2)


async def test_who_pauses_reads_nothing_until_it_goes_on() -> None:
    async with standin(READY) as served:
        crowd = await opened(served, 3)
        crowd.pause(1)
        await served.say(publication(201))
        await until(lambda: crowd.progress().deliveries == 2)
        assert crowd.subscribers[0].ledger.highest == 200
        crowd.go_on()
        await until(lambda: crowd.progress().deliveries == 3)
        assert crowd.tally(201).lost == 0
        crowd.leave()


async def test_who_paused_loses_nothing_but_is_late_only_for_itself() -> None:
    async with standin(READY) as served:
        crowd = await opened(served, 2)
        crowd.receipts.measure_from = 0
        crowd.pause(1)
        for offset in range(201, 221):
            await served.say(publication(offset))
        await until(lambda: crowd.progress().deliveries == 20)
        read_by_the_other = crowd.receipts.last
        crowd.go_on()
        await until(lambda: crowd.progress().deliveries == 40)
        found = crowd.tally(220)
        crowd.leave()
    assert (found.lost, found.received) == (0, 40)
    assert (found.latencies.count, found.last) == (20, read_by_the_other)


async def test_what_was_received_is_told_without_repeats() -> None:
    async with standin(READY, publication(201), publication(201)) as served:
        crowd = await opened(served, 2)
        await until(lambda: crowd.progress().deliveries == 4)
        assert crowd.tally(201).received == 2
        crowd.leave()


async def test_the_next_account_begins_where_the_last_ended() -> None:
    async with standin(READY, publication(202)) as served:
        crowd = await opened(served, 1)
        await until(lambda: crowd.progress().deliveries == 1)
        assert crowd.tally(202).lost == 1
        await served.say(publication(203))
        await until(lambda: crowd.progress().deliveries == 2)
        found = crowd.tally(203)
        crowd.leave()
    assert (found.lost, found.duplicated, found.out_of_order) == (0, 0, 0)


async def test_what_those_lost_who_lasted_is_told_from_what_others_missed_who_were_cut_off() -> (
    None
):
    async with standin(READY) as served:
        crowd = await opened(served, 2)
        await served.sockets[0].close(3008)
        await until(lambda: any(each.ended for each in crowd.subscribers))
        await served.say(publication(202))
        await until(lambda: crowd.progress().deliveries == 1)
        found = crowd.tally(202)
        crowd.leave()
    assert found.ended == {"close 3008": 1}
    assert (found.lost, found.missed) == (1, 2)


async def test_what_was_left_out_before_a_connection_ended_is_lost_all_the_same() -> None:
    async with standin(READY, publication(203), close_code=3008) as served:
        crowd = await opened(served, 1)
        await until(lambda: bool(crowd.subscribers[0].ended))
        found = crowd.tally(204)
    assert (found.lost, found.missed) == (2, 1)


async def test_who_is_closed_while_it_reads_nothing_comes_back_and_goes_on_from_its_position() -> (
    None
):
    async with standin(READY) as served:
        crowd = await opened(served, 1)
        await served.say(publication(201))
        await until(lambda: crowd.progress().complete_to == 201)
        crowd.pause(1)
        served.sockets[0].transport.abort()
        await served.sockets[0].wait_closed()
        crowd.go_on()
        await until(lambda: len(subscribes(served)) == 2)
        await crowd.subscribers[0].ready
        await served.say(publication(202))
        await until(lambda: crowd.progress().complete_to == 202)
        found = crowd.tally(202)
        crowd.leave()
    assert subscribes(served)[1]["offset"] == 201
    assert (found.ended, found.returned) == ({}, {"close 1006": 1})
    assert (found.lost, found.missed, found.duplicated) == (0, 0, 0)


async def test_who_cannot_come_back_has_ended() -> None:
    async with standin(READY) as served:
        crowd = await opened(served, 1)
        crowd.pause(1)
        served.sockets[0].transport.abort()
    crowd.go_on()
    await until(lambda: bool(crowd.subscribers[0].ended))
    found = crowd.tally(203)
    assert (found.missed, found.returned) == (3, {})
    crowd.leave()


async def test_a_socket_that_is_not_subscribed_in_time_is_not_left_open() -> None:
    async with standin() as served:
        opening = asyncio.create_task(opened(served, 1))
        await until(lambda: bool(served.commands))
        opening.cancel()
        await asyncio.wait({opening})
        async with asyncio.timeout(SECONDS):
            await served.sockets[0].wait_closed()
