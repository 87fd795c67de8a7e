"""A request's head is bounded, however it comes; what is refused is let go."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

import pytest
import uvicorn
from uvicorn.server import ServerState

from app.realtime.websocket.bounded_http import (
    HEAD_BYTES,
    LONGEST_BYTES,
    PIPELINED,
    BoundedHttpProtocol,
)
from app.realtime.websocket.door import Door
from tests.realtime.raw_socket import RawSocket, connected
from tests.realtime.raw_wire import Wire
from tests.realtime.served import Served, serving
from tests.waiting import until

State = dict[str, Any]
P = TypeVar("P", bound=asyncio.Protocol)

START = b"GET / HTTP/1.1\r\nHost: tandem.example\r\n"
PIECE = 1024
REFUSED = b"HTTP/1.1 431 "


async def answer(_scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, and answers with its length."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message["body"]), message["more_body"]
    body = b"%d bytes" % length
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(answer, http=Door, lifespan="off") as served:
        yield served


@pytest.fixture
async def client(served: Served) -> AsyncIterator[RawSocket]:
    async with connected(served.port) as raw:
        yield raw


def on_a_wire(
    make: Callable[[uvicorn.Config, ServerState, State], P],
) -> tuple[P, Wire, ServerState]:
    """A protocol that `answer` is behind, and what it writes to and counts in."""
    config = uvicorn.Config(answer, log_config=None, lifespan="off")
    config.load()
    state, wire = ServerState(), Wire()
    protocol = make(config, state, {})
    wire.set_protocol(protocol)
    protocol.connection_made(wire)
    return protocol, wire, state


async def fill(client: RawSocket, start: bytes) -> bytes:
    """Send up to the last byte that is allowed, in pieces, and then one more; what was answered."""
    rest = start + b"a" * (HEAD_BYTES - len(start))
    for begin in range(0, len(rest), PIECE):
        client.write(rest[begin : begin + PIECE])
        await asyncio.sleep(0)
    client.write(b"a")
    return await client.ended()


@pytest.mark.parametrize(
    "start",
    [START + b"X-Long: ", b"GET /", START + b"X-", b"GET / HTTP/1.1\r\n" + b"X:\r\n" * 5_000],
    ids=["value", "url", "name", "many"],
)
async def test_a_head_that_does_not_end_is_refused(
    client: RawSocket, served: Served, start: bytes
) -> None:
    assert (await fill(client, start)).startswith(REFUSED)
    await until(lambda: not served.state.connections)


async def test_so_is_that_of_a_second_request(client: RawSocket, served: Served) -> None:
    client.write(START + b"\r\n")
    await client.read_head()

    assert (await fill(client, START + b"X-Long: ")).startswith(b"0 bytes" + REFUSED)
    await until(lambda: not served.state.connections)


async def test_trailers_that_do_not_end_are_refused(client: RawSocket, served: Served) -> None:
    client.write(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n")
    await until(lambda: bool(served.state.tasks))
    await fill(client, b"X-Long: ")
    await until(lambda: not served.state.connections and not served.state.tasks)


async def test_a_long_head_is_taken(client: RawSocket) -> None:
    line = b"X-Long: " + b"a" * (LONGEST_BYTES - len(b"X-Long: \r\n")) + b"\r\n"
    head = START.replace(b"GET /", b"GET /" + b"a" * (LONGEST_BYTES - 1))
    client.write(head + line * (HEAD_BYTES // LONGEST_BYTES - 2) + b"\r\n")
    await client.read_head()

    assert client.head.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        (b"GET /", b" HTTP/1.1\r\nHost: tandem.example\r\n\r\n", 414),
        (START + b"X-Long: ", b"\r\n\r\n", 431),
        (START + b"X-", b": long\r\n\r\n", 431),
    ],
    ids=["url", "value", "name"],
)
async def test_what_is_read_field_by_field_is_not_taken_so_long(
    client: RawSocket, served: Served, start: bytes, end: bytes, status: int
) -> None:
    client.write(start + b"a" * LONGEST_BYTES + end)
    await client.read_head()

    assert (await client.problem())["status"] == status
    await until(lambda: not served.state.connections and not served.state.tasks)


async def test_a_body_is_no_head(client: RawSocket) -> None:
    size = 20 * HEAD_BYTES
    head = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
    client.write(head + b"a" * size)

    assert (await client.ended()).endswith(b"%d bytes" % size)


async def test_some_requests_may_wait_for_the_answer_to_the_one_before(client: RawSocket) -> None:
    last = START + b"Connection: close\r\n\r\n"
    client.write((START + b"\r\n") * PIPELINED + last)

    assert (await client.ended()).count(b"HTTP/1.1 200 ") == PIPELINED + 1


async def test_who_sends_more_at_once_is_hung_up_on(client: RawSocket, served: Served) -> None:
    client.write((START + b"\r\n") * (PIPELINED + 2))

    assert b"HTTP/1.1 " not in await client.ended()
    await until(lambda: not served.state.connections and not served.state.tasks)


async def test_what_comes_after_too_many_is_not_even_parsed() -> None:
    protocol, wire, state = on_a_wire(BoundedHttpProtocol)

    protocol.data_received((START + b"\r\n") * 100)

    assert len(protocol.pipeline) == PIPELINED
    assert not wire.written
    assert wire.is_closing()
    await until(lambda: not state.tasks)


async def test_what_is_no_http_is_told_so(client: RawSocket) -> None:
    client.write(b"GET / TANDEM/1.1\r\n\r\n")
    await client.read_head()

    assert (await client.problem())["code"] == "bad_request"


async def test_a_head_that_comes_whole_is_refused_as_well() -> None:
    door, wire, state = on_a_wire(Door)

    door.data_received(START + b"X-Long: " + b"a" * 70 * 1024 + b"\r\n\r\n")

    assert wire.written.startswith(REFUSED)
    assert wire.is_closing()
    assert not state.tasks
