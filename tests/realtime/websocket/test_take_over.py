"""How an app takes a connection over, and what may happen meanwhile."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect

from app.realtime.fanout.transport import TAKE_OVER, find_take_over
from app.realtime.websocket.socket_transport import SocketTransport
from app.realtime.websocket.upgrade import SocketProtocol
from app.realtime.wire.frames import Opcode
from tests.realtime.owners import EchoingOwner, RecordingOwner, accept_and_take_over, echo
from tests.realtime.raw_socket import close_frame, connected, frame, opened, upgrade
from tests.realtime.served import LOOPS, serving
from tests.realtime.tls import client_context, server_context
from tests.waiting import until

TEXT = Opcode.TEXT
PIECE = "x" * 60_000
MANY = 200  # pieces: more than all buffers on the way take


class Hesitant:
    """Waits at one gate before it accepts and at another before it takes over."""

    def __init__(self, *, pausing: bool = False) -> None:
        self.owner = RecordingOwner()
        self.to_accept = asyncio.Event()
        self.to_take_over = asyncio.Event()
        self.errors: list[Exception] = []
        self._pausing = pausing

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await self.to_accept.wait()
        try:
            await send({"type": "websocket.accept"})
        except OSError as error:
            self.errors.append(error)
            raise
        await self.to_take_over.wait()
        self.owner.transport = scope["extensions"][TAKE_OVER](self.owner)
        if self._pausing:
            self.owner.carrier.pause_reading()


async def test_messages_before_the_take_over_are_handed_to_the_owner_in_order() -> None:
    app = Hesitant()
    with serving(app) as served:
        async with connected(served.port) as raw:
            raw.write(upgrade())
            await until(lambda: bool(served.state.tasks))
            protocol = served.connection()
            raw.write(frame(TEXT, b"1") + frame(TEXT, b"2")[:3])
            await until(lambda: not protocol.transport.is_reading())
            await served.do(app.to_accept.set)
            await raw.read_head()
            await until(lambda: protocol.queue.qsize() == 1)
            raw.write(frame(TEXT, b"2")[3:] + frame(TEXT, b"3"))
            await served.do(app.to_take_over.set)
            raw.write(frame(TEXT, b"4"))
            await until(lambda: len(app.owner.messages) == 4)
    assert app.owner.messages == ["1", "2", "3", "4"]


async def test_an_owner_is_told_of_pongs() -> None:
    app = Hesitant()
    with serving(app) as served:
        await served.do(app.to_accept.set)
        await served.do(app.to_take_over.set)
        async with opened(served.port) as raw:
            raw.write(frame(Opcode.PONG) + frame(TEXT, b"1") + frame(Opcode.PONG, b"anything"))
            await until(lambda: len(app.owner.changes) == 2)
    assert app.owner.messages == ["1"]
    assert app.owner.changes[:2] == ["pong", "pong"]


async def test_an_owner_may_pause_before_the_first_message() -> None:
    app = Hesitant(pausing=True)
    with serving(app) as served:
        await served.do(app.to_accept.set)
        async with opened(served.port) as raw:
            raw.write(frame(TEXT, b"1") + frame(TEXT, b"2"))
            await until(lambda: getattr(served.connection(), "_paused", False))  # once it is ours
            await served.do(app.to_take_over.set)
            await until(lambda: app.owner.transport is not None)
            assert not await served.do(lambda: list(app.owner.messages))
            await served.do(app.owner.carrier.resume_reading)
            await until(lambda: len(app.owner.messages) == 2)


async def test_a_client_that_left_before_the_take_over_is_lost_once() -> None:
    app = Hesitant()
    with serving(app) as served:
        await served.do(app.to_accept.set)
        async with opened(served.port) as raw:
            raw.reset()
            await until(lambda: not served.state.connections)
        await served.do(app.to_take_over.set)
        await until(lambda: app.owner.changes == ["lost"])
        await served.do(app.owner.carrier.close, 1000, "")
    assert app.owner.changes == ["lost"]


async def test_a_client_that_left_before_it_was_accepted_is_not() -> None:
    app = Hesitant()
    with serving(app) as served:
        async with connected(served.port) as raw:
            raw.write(upgrade())
            await until(lambda: bool(served.state.tasks))
        await until(lambda: not served.state.connections)
        await served.do(app.to_accept.set)
        await until(lambda: bool(app.errors))


async def test_a_connection_is_taken_over_once_and_after_it_was_accepted() -> None:
    errors: list[str] = []
    owner = EchoingOwner()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        take_over = find_take_over(scope)
        assert take_over is not None
        await expect_error(asyncio.to_thread(take_over, owner))
        owner.transport = await accept_and_take_over(scope, receive, send, owner)
        await expect_error(asyncio.to_thread(take_over, owner))
        await expect_error(receive())
        await expect_error(send({"type": "websocket.send", "text": "past the owner"}))

    async def expect_error(call: Any) -> None:
        try:
            await call
        except RuntimeError as error:
            errors.append(str(error))

    with serving(app) as served:
        async with opened(served.port) as raw:
            raw.write(frame(TEXT, b"echo"))
            assert await raw.frame() == (TEXT, b"echo")
            await until(lambda: len(errors) == 4)


async def test_an_app_that_fails_after_the_take_over_closes_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    owner = RecordingOwner()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept_and_take_over(scope, receive, send, owner)
        raise LookupError("the app's mistake")

    with serving(app) as served:
        async with opened(served.port) as raw:
            assert await raw.closed() == 1011
        await until(lambda: owner.changes == ["lost"])
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ["Exception in ASGI application"]


async def test_a_server_that_stops_closes_with_1012_and_tells_the_owner() -> None:
    app = Hesitant()
    with serving(app) as served:
        await served.do(app.to_accept.set)
        await served.do(app.to_take_over.set)
        async with opened(served.port) as raw:
            await until(lambda: app.owner.transport is not None)
            await served.do(served.connection().shutdown)
            assert await raw.closed() == 1012
            assert await raw.ended() == b""
            await until(lambda: app.owner.changes == ["lost"])


# ------------------------------------------------------------ clients that stall


class HastyTransport(SocketTransport):
    """Does not wait for long."""

    close_seconds = 0.1


class HastyProtocol(SocketProtocol):
    make_transport = HastyTransport


async def stalled(app: Hesitant, said: str, sent: bytes) -> None:
    """A client that gets this, sends that, and does nothing more."""
    with serving(app, ws=HastyProtocol) as served:
        await served.do(app.to_accept.set)
        await served.do(app.to_take_over.set)
        async with opened(served.port, receive_buffer=4096) as raw:
            await until(lambda: app.owner.transport is not None)
            for _ in range(MANY if said else 0):
                await served.do(app.owner.say, said)
            raw.write(sent)
            await served.do(app.owner.carrier.close, 3008, "stalled")
            await until(lambda: app.owner.changes[-1:] == ["lost"])


@pytest.mark.parametrize("said", ["", PIECE], ids=["that reads", "that does not read"])
@pytest.mark.parametrize(
    "sent",
    [b"", close_frame(1000), frame(3), frame(Opcode.BINARY, bytes(60_000)) * 20],
    ids=["is silent", "closes", "breaks the rules", "goes on sending"],
)
async def test_a_client_that_does_not_answer_a_close_is_cut_off(said: str, sent: bytes) -> None:
    await stalled(Hesitant(), said, sent)


async def test_a_client_that_closes_and_does_not_read_is_cut_off() -> None:
    app = Hesitant()
    with serving(app, ws=HastyProtocol) as served:
        await served.do(app.to_accept.set)
        await served.do(app.to_take_over.set)
        async with opened(served.port, receive_buffer=4096) as raw:
            await until(lambda: app.owner.transport is not None)
            for _ in range(MANY):
                await served.do(app.owner.say, PIECE)
            raw.write(close_frame(1000))
            await until(lambda: app.owner.changes[-1:] == ["lost"])
            assert app.owner.changes[-2] == "paused"


# ---------------------------------------------------------------------------- TLS


@pytest.mark.parametrize("path", ["route", "taken-over"])
@pytest.mark.parametrize("loop", LOOPS)
async def test_it_works_over_tls(loop: str, path: str) -> None:
    with serving(echo, loop=loop, tls=server_context()) as served:
        url = f"wss://localhost:{served.port}/{path}"
        async with connect(url, ssl=client_context(), compression=None) as client:
            for said in ("grün", b"\xff", PIECE):
                await client.send(said)
                assert await client.recv() == said
            sending = asyncio.create_task(send_many(client))
            for number in range(MANY):
                assert await client.recv() == f"{number} {PIECE}"
            await sending
            await client.close(4001, "bye")
            assert client.close_code == 4001
        async with opened(served.port, f"/{path}", tls=client_context()) as raw:
            raw.write(frame(TEXT, b"\xff") + bytes(100_000))
            assert await raw.closed() == 1007


@pytest.mark.parametrize("loop", LOOPS)
async def test_a_client_that_stalls_is_cut_off_over_tls(loop: str) -> None:
    app = Hesitant()
    with serving(app, loop=loop, tls=server_context(), ws=HastyProtocol) as served:
        await served.do(app.to_accept.set)
        await served.do(app.to_take_over.set)
        async with opened(served.port, tls=client_context(), receive_buffer=4096):
            await until(lambda: app.owner.transport is not None)
            for _ in range(MANY):
                await served.do(app.owner.say, PIECE)
            connection = served.connection()
            await served.do(connection.close, 3008, "stalled")
            await served.do(connection.shutdown)
            await served.do(connection.shutdown)
            assert await served.do(lambda: connection.progress) > 0
            await until(lambda: app.owner.changes[-1:] == ["lost"])
            assert app.owner.changes[-2] == "paused"


async def send_many(client: Any) -> None:
    for number in range(MANY):
        await client.send(f"{number} {PIECE}")
