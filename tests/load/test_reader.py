"""Connections of a client process against a stand-in's socket."""

import asyncio
import json
from collections import Counter

import pytest

from load.crowd import Crowd
from load.errors import Exit, LoadError
from load.messages import Job, Tally
from tests.load.standin import (
    CONNECTED,
    DENIED,
    START,
    SUBSCRIBED,
    StandIn,
    publication,
    standin,
)

READY = f"{CONNECTED}\n{SUBSCRIBED}"
SECONDS = 10


def job(served: StandIn, connections: int = 1) -> Job:
    return Job(served.url, "a token", "orders", connections)


async def opened(served: StandIn, connections: int = 1) -> Crowd:
    crowd = Crowd(job(served, connections))
    await crowd.open()
    return crowd


async def play(
    *script: str, until: int, connections: int = 1, close_code: int | None = None
) -> Tally:
    """Everything that the stand-in says, heard by all; a ping at the end proves that it was."""
    async with standin(READY, *script, "{}", close_code=close_code) as served:
        crowd = Crowd(job(served, connections))
        crowd.receipts.measure_from = 0
        await crowd.open()
        async with asyncio.timeout(SECONDS):
            for _ in crowd.subscribers:
                await served.heard.get()
        crowd.leave()
        return crowd.tally(until)


async def test_connect_and_subscribe_are_sent_together_and_name_the_channel() -> None:
    async with standin(READY) as served:
        (await opened(served)).leave()
    first, second = map(json.loads, served.commands)
    assert first["connect"]["token"] == "a token"
    assert second["subscribe"] == {"channel": "orders"}


async def test_pings_are_answered() -> None:
    async with standin(READY, "{}") as served:
        crowd = await opened(served)
        async with asyncio.timeout(SECONDS):
            assert await served.heard.get() == "{}"
        crowd.leave()


async def test_every_connection_accounts_for_itself() -> None:
    found = await play(publication(201), publication(202), until=202, connections=3)
    assert (found.lost, found.duplicated, found.out_of_order) == (0, 0, 0)
    assert found.latencies.count == 6


async def test_several_publications_may_share_one_message() -> None:
    found = await play("\n".join([publication(201), publication(202)]), until=202)
    assert (found.lost, found.latencies.count) == (0, 2)


async def test_losses_repeats_and_disorder_are_told_apart() -> None:
    script = [publication(offset) for offset in (201, 203, 202, 203, 205)]
    found = await play(*script, until=206)
    assert (found.lost, found.duplicated, found.out_of_order) == (2, 1, 1)


async def test_publications_of_other_channels_do_not_count() -> None:
    found = await play(publication(201), publication(202, channel="users:1"), until=201)
    assert (found.lost, found.latencies.count) == (0, 1)


async def test_events_from_before_the_measurement_are_accounted_for_but_not_timed() -> None:
    async with standin(READY, publication(201, at="2000-01-01T00:00:00.000000Z"), "{}") as served:
        crowd = await opened(served)
        async with asyncio.timeout(SECONDS):
            await served.heard.get()
        assert crowd.progress().complete_to == 201
        assert crowd.receipts.latencies.count == 0
        crowd.leave()


async def test_a_socket_closed_early_is_told_with_its_code_and_misses_the_rest() -> None:
    async with standin(READY, publication(201), close_code=3008) as served:
        crowd = await opened(served)
        async with asyncio.timeout(SECONDS):
            await crowd.subscribers[0].gone
        found = crowd.tally(203)
    assert found.ended == Counter({"close 3008": 1})
    assert (found.lost, found.missed) == (0, 2)


async def test_an_ended_connection_is_not_waited_for() -> None:
    async with standin(READY, close_code=3008) as served:
        crowd = await opened(served)
        async with asyncio.timeout(SECONDS):
            await crowd.subscribers[0].gone
        assert crowd.progress().complete_to > START


async def test_an_unsubscribe_push_is_told() -> None:
    push = '{"push":{"channel":"orders","unsubscribe":{"code":2500,"reason":"x"}}}'
    found = await play(push, until=START)
    assert found.ended == Counter({"unsubscribed 2500": 1})


@pytest.mark.parametrize(
    ("script", "close_code", "exit_code", "words"),
    [
        ([CONNECTED, DENIED], None, Exit.USAGE, "sign in as staff"),
        ([], 3504, Exit.USAGE, "lower --connections"),
        ([], 3500, Exit.UNREACHABLE, "3500"),
    ],
)
async def test_a_refusal_is_one_line_that_says_what_to_do(
    script: list[str], close_code: int | None, exit_code: Exit, words: str
) -> None:
    async with standin(*script, close_code=close_code) as served:
        with pytest.raises(LoadError, match=words) as caught:
            await opened(served)
    assert caught.value.exit_code == exit_code


async def test_a_server_without_websockets_is_told_with_its_status() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LoadError, match="503"):
            await Crowd(Job(f"http://127.0.0.1:{port}", "t", "orders", 1)).open()
