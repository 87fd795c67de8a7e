"""An ordinary ASGI route on SocketProtocol."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect

from app.realtime.wire.frames import Opcode
from tests.realtime.owners import echo
from tests.realtime.raw_socket import close_frame, frame, opened
from tests.realtime.served import serving
from tests.waiting import until

TEXT, BINARY, CLOSE = Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE
PIECE = "x" * 60_000
MANY = 200  # pieces: more than all buffers on the way take


class Listener:
    """A route that accepts and keeps every event, until the connection ends."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while not self.events or self.events[-1]["type"] == "websocket.receive":
            self.events.append(await receive())

    async def end(self) -> dict[str, Any]:
        await until(lambda: bool(self.events) and self.events[-1]["type"] != "websocket.receive")
        return self.events[-1]


# ---------------------------------------------------------------------- messages


async def test_a_route_echoes() -> None:
    with serving(echo) as served:
        async with connect(f"ws://127.0.0.1:{served.port}/route", compression=None) as client:
            for said in ("grün", b"\xff", "", PIECE):
                await client.send(said)
                assert await client.recv() == said


@pytest.mark.no_cover  # fills all buffers: traced, it takes five times as long
async def test_a_route_that_does_not_receive_is_not_read_for() -> None:
    gate = asyncio.Event()
    texts: list[str] = []

    async def route(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        texts.extend([(await receive())["text"] for _ in range(MANY)])
        await send({"type": "websocket.close"})

    with serving(route) as served:
        async with opened(served.port) as raw:
            for number in range(MANY):
                raw.write(frame(TEXT, f"{number} {PIECE}".encode()))
            socket = served.connection()
            await until(lambda: not socket._transport.is_reading())
            assert raw.waiting > MANY * len(PIECE) / 4
            await served.do(gate.set)
            assert await raw.closed() == 1000
            raw.write(close_frame(1000))
    assert [text.split()[0] for text in texts] == [str(number) for number in range(MANY)]


async def test_a_route_waits_for_a_client_that_reads_slowly() -> None:
    sent: list[int] = []

    async def route(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(MANY):
            await send({"type": "websocket.send", "text": PIECE})
            sent.append(number)

    with serving(route) as served:
        async with opened(served.port, receive_buffer=4096) as raw:
            socket = served.connection()
            await until(lambda: not socket.writable)
            assert len(sent) < MANY - 1
            for _ in range(MANY):
                assert (await raw.frame())[0] == TEXT
            assert await raw.closed() == 1000
            raw.write(close_frame(1000))


# ------------------------------------------------------------------------ the end


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (close_frame(4001, "bye"), 4001, "bye"),
        (frame(CLOSE), 1005, ""),
        (frame(TEXT, b"\xff"), 1007, "text is not UTF-8"),
        (frame(TEXT, bytes(70_000)), 1009, "a message may have 65536 bytes"),
    ],
    ids=["with a code", "without a code", "not UTF-8", "too long"],
)
async def test_a_route_learns_how_its_connection_ended(data: bytes, code: int, reason: str) -> None:
    listener = Listener()
    with serving(listener) as served:
        async with opened(served.port) as raw:
            raw.write(frame(TEXT, b"1") + frame(BINARY, b"2") + data)
            assert await raw.closed() == code
        assert await listener.end() == {
            "type": "websocket.disconnect",
            "code": code,
            "reason": reason,
        }
    said = [event.get("text", event.get("bytes")) for event in listener.events[:-1]]
    assert said == ["1", b"2"]


async def test_a_route_learns_that_its_client_vanished() -> None:
    listener = Listener()
    with serving(listener) as served:
        async with opened(served.port) as raw:
            raw.reset()
            assert (await listener.end())["code"] == 1006


async def test_a_route_closes() -> None:
    ends: list[dict[str, Any]] = []
    errors: list[str] = []

    async def route(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "last words"})
        await send({"type": "websocket.close", "code": 4001, "reason": "ü" * 100})
        ends.append(await receive())
        try:
            await send({"type": "websocket.send", "text": "too late"})
        except RuntimeError as error:
            errors.append(str(error))
        ends.append(await receive())

    with serving(route) as served:
        async with opened(served.port) as raw:
            assert await raw.frame() == (TEXT, b"last words")
            assert await raw.frame() == (CLOSE, (4001).to_bytes(2) + "ü".encode() * 61)
            raw.write(frame(TEXT, b"not read any more") + close_frame(4001))
            assert await raw.ended() == b""
            await until(lambda: len(ends) == 2)
    assert [end["code"] for end in ends] == [4001, 4001]
    assert len(errors) == 1


async def test_who_sends_to_a_client_that_left_gets_an_oserror() -> None:
    errors: list[OSError] = []

    async def route(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await send({"type": "websocket.close"})  # after the client's: no effect
        try:
            await send({"type": "websocket.send", "text": "anybody?"})
        except OSError as error:
            errors.append(error)
            raise

    with serving(route) as served:
        async with opened(served.port) as raw:
            raw.write(close_frame(1000))
            await until(lambda: bool(errors))


async def test_a_route_that_returns_closes_its_connection() -> None:
    async def route(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})

    with serving(route) as served:
        async with opened(served.port) as raw:
            assert await raw.closed() == 1000
            raw.write(close_frame(1000))
            assert await raw.ended() == b""


async def test_a_route_that_fails_closes_its_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def route(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        raise LookupError("the route's mistake")

    with serving(route) as served:
        async with opened(served.port) as raw:
            assert await raw.closed() == 1011
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ["Exception in ASGI application"]


@pytest.mark.parametrize("event", [{"type": "websocket.receive"}, {"type": "websocket.accept"}])
async def test_a_route_that_sends_what_it_may_not_is_told(event: dict[str, str]) -> None:
    errors: list[str] = []

    async def route(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            await send(event)
        except RuntimeError as error:
            errors.append(str(error))

    with serving(route) as served:
        async with opened(served.port) as raw:
            assert await raw.closed() == 1000
    assert len(errors) == 1


async def test_a_server_that_stops_closes_with_1012() -> None:
    listener = Listener()
    with serving(listener) as served:
        async with opened(served.port) as raw:
            await served.do(served.connection().shutdown)
            assert await raw.closed() == 1012
            assert await raw.ended() == b""
            assert (await listener.end())["code"] == 1012
