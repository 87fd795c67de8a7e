"""What is answered to requests for a WebSocket that are wrong, denied or not answered."""

import asyncio
from typing import Any

import pytest

from tests.realtime.owners import echo
from tests.realtime.raw_socket import connected, upgrade
from tests.realtime.served import serving
from tests.waiting import until


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/" + "x" * 9000, [], 414),
        ("/", [f"X-Header-{number}: x" for number in range(200)], 431),
        ("/", ["X-Header: " + "x" * 9000], 431),
        ("/", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], 400),
        ("/", ["Sec-WebSocket-Protocol: \xff"], 400),
        ("/", ["X-Name: \xff"], 101),
        ("/", ["Origin: a", "Origin: b"], 400),
    ],
    ids=[
        "long path",
        "many headers",
        "long header",
        "two keys",
        "protocol",
        "Latin-1",
        "two origins",
    ],
)
async def test_a_head_is_answered(path: str, headers: list[str], status: int) -> None:
    with serving(echo) as served:
        async with connected(served.port) as raw:
            await raw.upgrade(path, *headers)
    assert raw.head.startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_path_that_is_not_ascii_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    with serving(echo) as served:
        async with connected(served.port) as raw:
            await raw.upgrade("/grün")
    assert raw.head.startswith(b"HTTP/1.1 400 ")
    assert "ERROR" not in {record.levelname for record in caplog.records}


async def test_an_app_may_deny(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        start = {"type": "websocket.http.response.start", "status": 403, "headers": []}
        await send(start)
        await send({"type": "websocket.http.response.body", "body": b"no", "more_body": False})

    with serving(app) as served:
        async with connected(served.port) as raw:
            await raw.upgrade()
            assert raw.head.startswith(b"HTTP/1.1 403 ")
            assert await raw.ended() == b"no"
    assert "ERROR" not in {record.levelname for record in caplog.records}


async def test_an_app_may_close_instead_of_accepting(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.close"})

    with serving(app) as served:
        async with connected(served.port) as raw:
            await raw.upgrade()
            assert raw.head.startswith(b"HTTP/1.1 403 ")
    assert "ERROR" not in {record.levelname for record in caplog.records}


async def test_an_app_that_breaks_off_while_it_denies_answers_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})

    with serving(app) as served:
        async with connected(served.port) as raw:
            raw.write(upgrade())
            assert await raw.ended() == b""
    assert "ERROR" in {record.levelname for record in caplog.records}


@pytest.mark.parametrize("fails", [True, False])
async def test_an_app_that_does_not_answer_answers_500(
    fails: bool,  # noqa: FBT001 - a parameter of pytest's
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        if fails:
            raise LookupError("a mistake")

    with serving(app) as served:
        async with connected(served.port) as raw:
            await raw.upgrade()
            assert raw.head.startswith(b"HTTP/1.1 500 ")
    assert "ERROR" in {record.levelname for record in caplog.records}


async def test_a_server_that_stops_answers_a_waiting_handshake_with_503() -> None:
    gate = asyncio.Event()
    errors: list[OSError] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await gate.wait()
        try:
            await send({"type": "websocket.accept"})
        except OSError as error:
            errors.append(error)
            raise

    def stop() -> None:
        gate.set()
        served.connection().shutdown()

    with serving(app) as served:
        async with connected(served.port) as raw:
            raw.write(upgrade())
            await until(lambda: bool(served.state.tasks))
            await served.do(stop)
            await raw.read_head()
            assert raw.head.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 1\r\n" in raw.head
    assert len(errors) == 1
