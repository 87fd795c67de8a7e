"""The opening handshake: a plain request is answered at once, all else goes the ordinary way."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.utils import accept_key

from app.realtime.fanout.timing import Pings
from app.realtime.runtime import Runtime
from app.realtime.websocket.handshakes import Arrival
from app.realtime.websocket.opening import FORBIDDEN, UNAVAILABLE, Opening, open_plain, refusal
from app.realtime.wire.codec import JSON
from app.realtime.wire.codes import CloseCode
from app.realtime.wire.deflate import ANSWER, deflate
from app.realtime.wire.frames import RSV1, Opcode
from app.realtime.wire.protobuf_codec import PROTOBUF
from tests.realtime.raw_socket import RawSocket, close_frame, frame
from tests.realtime.stage import Stage
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = "tandem.example"
PLAIN: dict[str, str | None] = {
    "host": HOST,
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}
# RFC 6455, section 1.3
ACCEPTED = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.fixture
def runtime(shared_stage: Stage) -> Runtime:
    return shared_stage.runtime


def opened(
    runtime: Runtime, changed: Mapping[str, str | None] = PLAIN, path: str = "/ws", *more: str
) -> Opening | None:
    return open_plain(runtime, head_of({**PLAIN, **changed}, path, *more))


def head_of(headers: Mapping[str, str | None], path: str = "/ws", *more: str) -> bytes:
    """As uvicorn hands it on: names in lower case."""
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join((f"GET {path} HTTP/1.1", *lines, *more, "", "")).encode()


async def test_a_plain_request_is_answered(runtime: Runtime) -> None:
    opening = opened(runtime)

    assert opening is not None
    first, *headers = opening.response.decode().split("\r\n")
    assert first == "HTTP/1.1 101 Switching Protocols"
    assert headers == [
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {ACCEPTED}",
        "",
        "",
    ]
    assert opening.codec is JSON


async def test_the_next_of_the_same_kind_gets_the_proof_of_its_own_key(runtime: Runtime) -> None:
    key = "AAAAAAAAAAAAAAAAAAAAAA=="
    for _ in range(2):
        mine, other = opened(runtime), opened(runtime, {"sec-websocket-key": key})
        assert mine is not None
        assert other is not None
        assert ACCEPTED.encode() in mine.response
        assert accept_key(key).encode() in other.response
        assert (mine.codec, mine.deflated) == (other.codec, other.deflated)


async def test_the_subprotocol_that_is_known_is_confirmed(runtime: Runtime) -> None:
    opening = opened(runtime, {"sec-websocket-protocol": "other, centrifuge-protobuf"})

    assert opening is not None
    assert b"\r\nSec-WebSocket-Protocol: centrifuge-protobuf\r\n" in opening.response
    assert opening.codec is PROTOBUF


async def test_the_query_may_name_the_flavour(runtime: Runtime) -> None:
    opening = opened(runtime, PLAIN, "/connection/websocket?cf_protocol=protobuf")

    assert opening is not None
    assert b"Protocol:" not in opening.response
    assert opening.codec is PROTOBUF


@pytest.mark.parametrize(
    ("asked", "pings"),
    [
        ("cf_ws_frame_ping_pong=true", Pings.FRAMES),
        ("format=json&cf_ws_frame_ping_pong=true", Pings.FRAMES),
        ("cf_ws_frame_ping_pong=false", Pings.DOCUMENTS),
        ("", Pings.DOCUMENTS),
    ],
)
async def test_the_query_may_ask_for_pings_in_frames(
    runtime: Runtime, asked: str, pings: Pings
) -> None:
    opening = opened(runtime, PLAIN, f"/ws?{asked}")

    assert opening is not None
    assert opening.pings is pings


async def test_the_page_of_the_same_host_may_come_in(runtime: Runtime) -> None:
    assert opened(runtime, {"origin": "https://tandem.example"}) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "https://[broken"},
        {"host": None},
        {"sec-websocket-version": "8"},
        {"sec-websocket-version": None},
        {"sec-websocket-key": None},
        {"sec-websocket-key": "c2hvcnQ="},
        {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==, x"},
    ],
    ids=str,
)
async def test_what_is_wrong_goes_the_ordinary_way(
    runtime: Runtime, changed: dict[str, str | None]
) -> None:
    assert opened(runtime, changed) is None


async def test_a_header_that_stands_twice_goes_the_ordinary_way(runtime: Runtime) -> None:
    assert opened(runtime, PLAIN, "/ws", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==") is None


async def test_a_long_head_goes_the_ordinary_way(runtime: Runtime) -> None:
    assert opened(runtime, {"cookie": "x" * 2048}) is None


@pytest.mark.parametrize("path", ["/", "/wss", "/ws/", "/%77s", "/health"])
async def test_another_path_goes_the_ordinary_way(runtime: Runtime, path: str) -> None:
    assert opened(runtime, PLAIN, path) is None


async def test_while_it_drains_nobody_comes_in(runtime: Runtime) -> None:
    runtime.draining = True
    try:
        assert refusal(runtime, {"host": HOST}) == UNAVAILABLE
        assert opened(runtime) is None
    finally:
        runtime.draining = False


async def test_before_it_is_ready_nobody_comes_in(runtime: Runtime) -> None:
    runtime.ready.clear()
    try:
        assert opened(runtime) is None
    finally:
        runtime.ready.set()


async def test_every_origin_may_be_allowed(runtime: Runtime) -> None:
    before = runtime.settings
    runtime.settings = before.model_copy(update={"cors_origins": ("*",)})
    try:
        headers = {"host": HOST, "origin": "https://elsewhere.example"}
        assert refusal(runtime, headers) is None
        assert opened(runtime, headers) is not None
    finally:
        runtime.settings = before


async def test_another_origin_is_forbidden(runtime: Runtime) -> None:
    assert refusal(runtime, {"host": HOST, "origin": "null"}) == FORBIDDEN


@pytest.mark.parametrize(
    ("change", "extensions", "way"),
    [
        ({"compression": "on"}, "permessage-deflate", "short"),
        ({"compression": "on"}, None, "short"),
        ({"compression": "off"}, "permessage-deflate", "short"),
        ({"take_over": "off"}, None, "ordinary"),
    ],
)
async def test_settings_decide_what_is_plain(
    runtime: Runtime, change: dict[str, str], extensions: str | None, way: str
) -> None:
    before = runtime.settings
    runtime.settings = before.model_copy(update=change)
    try:
        opening = opened(runtime, {"sec-websocket-extensions": extensions})
        assert (opening is not None) == (way == "short")
    finally:
        runtime.settings = before


@pytest.mark.parametrize(
    ("compression", "offered", "confirmed"),
    [
        ("on", "permessage-deflate", ANSWER),
        ("on", "permessage-deflate; client_max_window_bits", ANSWER),
        ("on", "permessage-deflate; server_max_window_bits=8", None),
        ("on", "x-webkit-deflate-frame", None),
        ("on", None, None),
        ("off", "permessage-deflate", None),
    ],
)
async def test_compression_is_agreed_on_where_it_is_on(
    runtime: Runtime, compression: str, offered: str | None, confirmed: str | None
) -> None:
    before = runtime.settings
    runtime.settings = before.model_copy(update={"compression": compression})
    try:
        opening = opened(runtime, {"sec-websocket-extensions": offered})
    finally:
        runtime.settings = before
    assert opening is not None
    lines = opening.response.decode().split("\r\n")
    answered = [line for line in lines if line.startswith("Sec-WebSocket-Extensions: ")]
    assert answered == ([f"Sec-WebSocket-Extensions: {confirmed}"] if confirmed else [])
    assert opening.deflated is (confirmed is not None)


# ---------------------------------------------------------------------- on a real socket


@asynccontextmanager
async def arriving(runtime: Runtime) -> AsyncIterator[tuple[Arrival, RawSocket]]:
    """A client whose bytes a test hands to the server itself; what is answered it reads."""
    state = ServerState()
    connections: set[Any] = state.connections
    config = uvicorn.Config("app.main:app", log_config=None)
    near, far = socket.socketpair()
    arrival = Arrival(config, state, {"realtime": runtime})
    await asyncio.get_running_loop().connect_accepted_socket(lambda: arrival, near)
    raw = RawSocket(*await asyncio.open_connection(sock=far))
    yield arrival, raw
    await raw.leave()
    await until(lambda: not connections)


async def test_what_is_sent_before_the_answer_is_read_after_it(runtime: Runtime) -> None:
    async with arriving(runtime) as (arrival, raw):
        arrival.data_received(head_of(PLAIN))
        arrival.data_received(frame(Opcode.TEXT, b'{"id":1,"connect":{"token":"forged"}}'))

        await raw.read_head()
        assert raw.head.startswith(b"HTTP/1.1 101 ")
        assert await raw.closed() == CloseCode.INVALID_TOKEN.value[0]
        raw.write(close_frame(1000))


async def test_what_agreed_on_compression_is_read_so(runtime: Runtime) -> None:
    before = runtime.settings
    runtime.settings = before.model_copy(update={"compression": "on"})
    try:
        async with arriving(runtime) as (arrival, raw):
            arrival.data_received(
                head_of({**PLAIN, "sec-websocket-extensions": "permessage-deflate"})
            )
            said = deflate(b'{"id":1,"connect":{"token":"forged"}}')
            arrival.data_received(frame(Opcode.TEXT | RSV1, said))

            await raw.read_head()
            assert await raw.closed() == CloseCode.INVALID_TOKEN.value[0]
            raw.write(close_frame(1000))
    finally:
        runtime.settings = before


async def test_a_client_that_is_answered_at_once_is_one_of_the_workers(runtime: Runtime) -> None:
    before = len(runtime.manager.connections)
    async with arriving(runtime) as (arrival, raw):
        arrival.data_received(head_of(PLAIN))
        await raw.read_head()

        assert len(runtime.manager.connections) == before + 1
    assert len(runtime.manager.connections) == before
