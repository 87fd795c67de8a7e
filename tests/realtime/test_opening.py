"""The opening handshake: a plain request is answered at once, all else goes the ordinary way."""

from collections.abc import Mapping

import pytest

from app.realtime.codec import JSON
from app.realtime.opening import FORBIDDEN, UNAVAILABLE, Opening, open_plain, refusal
from app.realtime.protobuf_codec import PROTOBUF
from app.realtime.runtime import Runtime
from tests.realtime.stage import Stage

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
    headers = {**PLAIN, **changed}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    head = "\r\n".join((f"GET {path} HTTP/1.1", *lines, *more, "", ""))
    return open_plain(runtime, head.encode())


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


async def test_another_origin_is_forbidden(runtime: Runtime) -> None:
    assert refusal(runtime, {"host": HOST, "origin": "null"}) == FORBIDDEN


@pytest.mark.parametrize(
    ("change", "extensions", "way"),
    [
        ({"compression": "on"}, "permessage-deflate", "ordinary"),
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
