"""A taken-over connection whose owner or whose client does not keep up, on both event loops."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from app.realtime.websocket.frame_rate import FRAMES_PER_SECOND
from app.realtime.wire.frames import Opcode
from tests.realtime.owners import OneAtATime, RecordingOwner
from tests.realtime.raw_socket import frame
from tests.realtime.served import LOOPS
from tests.realtime.tookover import TakenOver, taking_over
from tests.waiting import until

TEXT = Opcode.TEXT
PIECE = "x" * 60_000
MANY = 200  # pieces: more than all buffers on the way take


@pytest.fixture(scope="module", params=LOOPS)
def app(request: pytest.FixtureRequest) -> Iterator[TakenOver]:
    with taking_over(request.param) as app:
        yield app


async def test_a_paused_owner_gets_one_message_at_a_time(app: TakenOver) -> None:
    async with app.socket(OneAtATime) as (raw, owner):
        raw.write(frame(TEXT, b"1") + frame(TEXT, b"2") + frame(Opcode.PING) + frame(TEXT, b"3"))
        await until(lambda: bool(owner.messages))
        raw.write(frame(TEXT, b"4"))
        for number in range(1, 5):
            await arrived(owner, number)
            assert not await app.do(owner.carrier._transport.is_reading)
            await app.do(owner.carrier.resume_reading)
        assert owner.messages == ["1", "2", "3", "4"]
        assert await raw.frame() == (Opcode.PONG, b"")


async def arrived(owner: RecordingOwner, number: int) -> None:
    await until(lambda: len(owner.messages) == number)


class PausesAndResumes(OneAtATime):
    def on_message(self, message: str | bytes) -> None:
        super().on_message(message)
        self.carrier.resume_reading()


async def test_an_owner_may_resume_within_a_message(app: TakenOver) -> None:
    """However many messages come at once: none is handed over within another."""
    async with app.socket(PausesAndResumes) as (raw, owner):
        raw.write(b"".join(frame(TEXT, str(number).encode()) for number in range(5000)))
        await until(lambda: len(owner.messages) == 5000)
        assert owner.messages == [str(number) for number in range(5000)]


class Ticker:
    """Counts an owner's messages within each turn of the event loop."""

    def __init__(self, owner: RecordingOwner) -> None:
        self.most = 0
        self._owner = owner
        self._before = 0

    def tick(self) -> None:
        number = len(self._owner.messages)
        self.most = max(self.most, number - self._before)
        self._before = number
        if number < 5000:
            asyncio.get_running_loop().call_soon(self.tick)


async def test_a_client_that_sends_much_at_once_leaves_others_their_turns(app: TakenOver) -> None:
    async with app.socket() as (raw, owner):
        ticker = Ticker(owner)
        await app.do(ticker.tick)
        raw.write(frame(TEXT, b"") * 5000)
        await arrived(owner, 5000)
        assert ticker.most <= 512  # two shares, where reading and callbacks follow each other


async def test_a_slow_client_pauses_its_owner_until_it_reads(app: TakenOver) -> None:
    async with app.socket(receive_buffer=4096) as (raw, owner):
        transport = owner.carrier
        assert transport.writable
        for _ in range(MANY):
            await app.do(owner.say, PIECE)
        assert owner.changes == ["paused"]
        assert not transport.writable
        stuck = await app.do(lambda: transport.progress)
        assert await raw.frame() == (TEXT, PIECE.encode())
        await read_until(raw, lambda: owner.changes == ["paused", "writable"])
        assert transport.writable
        assert await app.do(lambda: transport.progress) > stuck


async def read_until(raw: Any, condition: Any) -> None:
    while not condition():
        await raw.frame()


class Pump(RecordingOwner):
    """Writes as much as it may whenever it may, MANY pieces in all."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0
        self.inside = 0
        self.deepest = 0

    def on_writable(self) -> None:
        super().on_writable()
        self.inside += 1
        self.deepest = max(self.deepest, self.inside)
        while self.carrier.writable and self.written < MANY:
            self.say(f"{self.written} {PIECE}")
            self.written += 1
        self.inside -= 1


async def test_an_owner_that_writes_when_it_may_is_paused_and_resumed_by_turns(
    app: TakenOver,
) -> None:
    async with app.socket(Pump, receive_buffer=4096) as (raw, owner):
        await app.do(owner.on_writable)
        for number in range(MANY):
            opcode, data = await raw.frame()
            assert (opcode, data.split()[0]) == (TEXT, str(number).encode())
        assert owner.deepest == 1
        assert owner.changes[:3] == ["writable", "paused", "writable"]


async def test_pings_of_a_client_that_does_not_read_cost_no_memory(app: TakenOver) -> None:
    """It gets the answer to its latest ping when it reads again."""
    async with app.socket(receive_buffer=4096) as (raw, owner):
        for _ in range(MANY):
            await app.do(owner.say, PIECE)
        waiting = await app.do(owner.carrier._transport.get_write_buffer_size)
        for number in range(FRAMES_PER_SECOND):
            raw.write(frame(Opcode.PING, str(number).encode()))
        raw.write(frame(TEXT, b"done"))
        await until(lambda: owner.messages == ["done"])
        assert not owner.carrier.writable
        size = await app.do(owner.carrier._transport.get_write_buffer_size)
        assert size <= waiting
        for _ in range(MANY):
            assert (await raw.frame())[0] == TEXT
        assert await raw.frame() == (Opcode.PONG, str(FRAMES_PER_SECOND - 1).encode())
