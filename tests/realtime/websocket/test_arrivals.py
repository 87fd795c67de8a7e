"""A connection says what it wants within CONNECT_SECONDS, each time; who waits for us may wait."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import pytest

from app.core.config import Settings
from app.realtime.time_limit import TimeLimit
from app.realtime.websocket.bounded_http import BoundedHttpProtocol
from app.realtime.websocket.door import Door
from app.realtime.websocket.opening import PLAIN_BYTES
from app.realtime.wire.frames import Opcode
from tests.application import run_application
from tests.realtime.owners import echo
from tests.realtime.raw_socket import connected, frame
from tests.realtime.served import Served, serving
from tests.waiting import until

SHORT = 2.0
LONG = "X-Long: " + "a" * PLAIN_BYTES
HEAD = b"GET / HTTP/1.1\r\nHost: tandem.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: tandem.example\r\nContent-Length: 10\r\n\r\n"


class App:
    """Echoes on sockets; answers a request once it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await echo(scope, receive, send)
            return
        self.asked += 1
        await self.may_answer.wait()
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body"})


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
async def served(settings: Settings, app: App) -> AsyncIterator[Served]:
    async with run_application(settings) as application:
        application.runtime.arrivals = TimeLimit(SHORT)
        state = {"realtime": application.runtime}
        with serving(app, http=Door, lifespan="off", app_state=state) as served:
            yield served


@pytest.mark.parametrize("said", [b"", b"GET / HT", HEAD[:-2]], ids=["nothing", "line", "head"])
async def test_who_does_not_say_what_it_wants_is_hung_up_on(served: Served, said: bytes) -> None:
    begun = monotonic()
    async with connected(served.port) as raw:
        raw.write(said)
        assert await raw.ended() == b""
    assert monotonic() - begun >= SHORT - 0.01  # a timer counts in milliseconds
    await until(lambda: not served.state.connections)


async def test_so_is_who_stops_within_a_later_head(served: Served, app: App) -> None:
    app.may_answer.set()
    async with connected(served.port) as raw:
        raw.write(HEAD)
        await raw.read_head()
        raw.write(HEAD[:-2])
        assert await raw.ended() == b""
    assert app.asked == 1


async def pass_over(served: Served) -> None:
    """Wait for as long as somebody has to say what they want."""
    async with connected(served.port) as silent:
        await silent.ended()


async def test_how_long_a_connection_idles_between_two_is_not_ours_to_say(
    served: Served, app: App
) -> None:
    app.may_answer.set()
    async with connected(served.port) as raw:
        for _ in range(2):
            raw.write(HEAD)
            await raw.read_head()
            await pass_over(served)
    assert app.asked == 2


async def test_a_body_that_was_answered_early_may_come_to_its_end(served: Served, app: App) -> None:
    app.may_answer.set()
    async with connected(served.port) as raw:
        raw.write(POST + b"12345")
        await raw.read_head()
        await pass_over(served)
        raw.write(b"67890" + HEAD)
        await raw.read_head()
        assert app.asked == 2
        raw.write(POST + b"12345")
        await raw.read_head()
        raw.write(b"67890")
        assert await raw.ended() == b""


class HastyHttp(BoundedHttpProtocol):
    """Does not read for long what is left of a body."""

    body_seconds = 0.1


async def test_it_is_not_waited_for_for_ever(app: App) -> None:
    app.may_answer.set()
    with serving(app, http=HastyHttp, lifespan="off") as served:
        async with connected(served.port) as raw:
            raw.write(POST + b"12345")
            await raw.read_head()
            assert await raw.ended() == b""


async def test_who_waits_for_an_answer_may_wait(served: Served, app: App) -> None:
    async with connected(served.port) as asking, connected(served.port) as silent:
        asking.write(HEAD)
        await until(lambda: app.asked == 1)
        await silent.ended()
        await served.do(app.may_answer.set)
        await asking.read_head()
    assert asking.head.startswith(b"HTTP/1.1 204 ")


@pytest.mark.parametrize("path", ["/ws", "/elsewhere"], ids=["seen by Door", "parsed"])
async def test_a_socket_stays_open(served: Served, path: str) -> None:
    async with connected(served.port) as socket:
        await socket.upgrade(path, LONG)  # not for the runtime, which runs on another loop
        async with connected(served.port) as silent:
            await silent.ended()
        socket.write(frame(Opcode.TEXT, b"still here"))
        assert await socket.frame() == (Opcode.TEXT, b"still here")
