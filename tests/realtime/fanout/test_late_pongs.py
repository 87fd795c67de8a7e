"""A pong that came in time and waits behind slow commands, by a clock that is turned by hand."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.websockets import WebSocket

from app.core.config import Settings
from app.realtime.commands.intake import MAX_WAITING
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.heartbeat import Heartbeat
from app.realtime.fanout.wheel import SLOT_SECONDS
from app.realtime.websocket.router import _read
from tests.realtime.asgi_socket import AsgiSocket
from tests.realtime.beats import HOUR
from tests.realtime.flushes import turns
from tests.realtime.guarded import Desk, guarding
from tests.realtime.intakes import Desktop
from tests.realtime.recording import RecordingTransport

PONG = 8.0


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    async with guarding(settings) as desk:
        yield desk


@pytest.fixture
async def one(desk: Desk) -> AsyncIterator[Desktop]:
    """Somebody who has signed in, and whose commands take long from now on."""
    one = Desktop(desk)
    one.start()
    await one.connect()
    desk.rooms.may_answer.clear()
    yield one
    await one.end()


class HandTurned:
    """A heartbeat that looks after a connection; its time passes only when a test says so."""

    def __init__(self, connection: Connection) -> None:
        self._timing = connection.timing
        self._now = asyncio.get_running_loop().time()
        self._heartbeat = Heartbeat(Settings(), lambda: self._now)
        self._heartbeat.identified(connection, HOUR)
        while not self._timing.pinged:
            self.wait(SLOT_SECONDS)

    def wait(self, seconds: float) -> None:
        until = self._now + seconds
        while self._now < until:
            self._now += SLOT_SECONDS / 2
            self._heartbeat._wheel.turn(self._now)


async def test_a_pong_that_waits_behind_a_command_is_heard(one: Desktop) -> None:
    one.say(publish={"channel": "rooms:a", "data": {}})
    await one.desk.rooms.asked.wait()
    heartbeat = HandTurned(one.connection)
    one.intake.on_message("{}")
    heartbeat.wait(3 * PONG)
    assert one.socket.closed is None
    one.desk.rooms.may_answer.set()
    await one.idle()
    assert not one.connection.timing.pinged
    heartbeat.wait(PONG)
    assert one.socket.closed is None


async def test_a_pong_in_the_same_message_is_heard(one: Desktop) -> None:
    heartbeat = HandTurned(one.connection)
    rooms = [f'{{"id":{nth},"subscribe":{{"channel":"rooms:{nth}"}}}}' for nth in (7, 8, 9)]
    one.intake.on_message("\n".join([*rooms, "{}"]))
    await one.desk.rooms.asked.wait()
    heartbeat.wait(3 * PONG)
    assert one.socket.closed is None
    one.desk.rooms.may_answer.set()
    await one.idle()
    assert not one.connection.timing.pinged


async def test_a_pong_that_was_not_read_as_many_messages_wait_is_heard(one: Desktop) -> None:
    heartbeat = HandTurned(one.connection)
    one.subscribe("a")
    await one.desk.rooms.asked.wait()
    for _ in range(MAX_WAITING):
        one.unsubscribe("b")
    assert not one.socket.reading
    heartbeat.wait(3 * PONG)
    one.desk.rooms.may_answer.set()
    await one.idle()
    assert one.socket.reading
    one.intake.on_message("{}")
    await one.idle()
    heartbeat.wait(PONG)
    assert one.socket.closed is None


async def test_who_only_sends_commands_is_closed_in_the_end(one: Desktop) -> None:
    one.subscribe("a")
    await one.desk.rooms.asked.wait()
    heartbeat = HandTurned(one.connection)
    heartbeat.wait(PONG + SLOT_SECONDS)
    assert one.socket.closed is None
    one.desk.rooms.may_answer.set()
    await one.idle()
    one.desk.rooms.may_answer.clear()
    one.subscribe("b")
    await turns(3)
    assert one.tasks
    heartbeat.wait(PONG)
    assert one.socket.closed == (3012, "no pong")


async def test_who_answers_too_late_is_closed(one: Desktop) -> None:
    one.desk.rooms.may_answer.set()
    heartbeat = HandTurned(one.connection)
    one.subscribe("a")
    await one.idle()
    heartbeat.wait(PONG + SLOT_SECONDS)
    assert one.socket.closed == (3012, "no pong")


async def test_a_pong_that_waits_in_an_asgi_server_is_heard(desk: Desk) -> None:
    transport, socket = RecordingTransport(), AsgiSocket()
    websocket = WebSocket({"type": "websocket"}, socket.receive, socket.send)
    await websocket.accept()
    with desk.runtime.connection(transport) as connection:
        reading = asyncio.create_task(_read(desk.runtime, connection, websocket))
        socket.say({"id": 1, "connect": {"token": desk.token(desk.somebody())}})
        await transport.reply(1)
        desk.rooms.may_answer.clear()
        socket.say({"id": 2, "subscribe": {"channel": "rooms:a"}})
        await desk.rooms.asked.wait()
        heartbeat = HandTurned(connection)
        socket.put(text="{}")
        heartbeat.wait(3 * PONG)
        assert transport.closed is None
        desk.rooms.may_answer.set()
        await transport.reply(2)
        await turns(3)
        assert not connection.timing.pinged
        heartbeat.wait(PONG)
        assert transport.closed is None
        socket.leave()
        await reading
