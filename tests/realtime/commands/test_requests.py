"""What is answered to requests for a WebSocket that are wrong, denied or not answered."""

import asyncio
from typing import Any

import pytest

from app.realtime.websocket.door import Door
from tests.realtime.owners import echo
from tests.realtime.raw_socket import connected, upgrade
from tests.realtime.served import serving
from tests.waiting import until


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/" + "x" * 9000, [], 414, "bad_request"),
        (
            "/",
            [f"X-Header-{number}: x" for number in range(200)],
            431,
            "request_header_fields_too_large",
        ),
        ("/", ["X-Header: " + "x" * 9000], 431, "request_header_fields_too_large"),
        ("/", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], 400, "bad_request"),
        ("/", ["Sec-WebSocket-Protocol: \xff"], 400, "bad_request"),
        ("/", ["Origin: a", "Origin: b"], 400, "bad_request"),
    ],
    ids=["long path", "many headers", "long header", "two keys", "protocol", "two origins"],
)
async def test_a_head_that_is_wrong_is_answered_with_a_problem(
    path: str, headers: list[str], status: int, code: str
) -> None:
    with serving(echo) as served:
        async with connected(served.port) as raw:
            await raw.upgrade(path, *headers)
            told = await raw.problem()
    assert (told["status"], told["code"]) == (status, code)


async def test_a_header_may_hold_latin_1() -> None:
    with serving(echo) as served:
        async with connected(served.port) as raw:
            await raw.upgrade("/", "X-Name: \xff")
    assert raw.head.startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    ("right", "wrong", "status", "detail"),
    [
        (b"-Version: 13", b"-Version: 12", 400, "Sec-WebSocket-Version"),
        (b"HTTP/1.1", b"HTTP/1.0", 505, "HTTP/1.0"),
    ],
)
async def test_what_is_wrong_with_a_handshake_is_told(
    right: bytes, wrong: bytes, status: int, detail: str
) -> None:
    with serving(echo, http=Door) as served:
        async with connected(served.port) as raw:
            raw.write(upgrade("/ws?a=b").replace(right, wrong))
            await raw.read_head()
            told = await raw.problem()
    assert (told["status"], told["code"], told["instance"]) == (status, "bad_request", "/ws")
    assert detail in told["detail"]


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
            await raw.upgrade("/route")
            told = await raw.problem()
    assert (told["status"], told["code"], told["instance"]) == (403, "forbidden", "/route")
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
            assert (await raw.problem())["code"] == "internal_error"
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
            assert (await raw.problem())["code"] == "service_unavailable"
            assert b"Retry-After: 1\r\n" in raw.head
    assert len(errors) == 1
