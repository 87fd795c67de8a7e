"""What carries no message is answered together, and may not come in floods."""

from collections.abc import Iterator

import pytest

from app.realtime.websocket.frame_rate import FRAMES_PER_SECOND, SHORT_FRAGMENT, FrameRate
from app.realtime.websocket.frame_reader import FrameReader
from app.realtime.websocket.socket_transport import TURN_FRAMES, SocketTransport
from app.realtime.wire.frames import Message, Opcode, encode_frame
from tests.realtime.owners import EchoingOwner
from tests.realtime.raw_socket import close_frame, frame
from tests.realtime.raw_wire import Wire
from tests.realtime.served import LOOPS
from tests.realtime.tookover import TakenOver, taking_over
from tests.waiting import until

TEXT, CONTINUATION, PING, PONG = Opcode.TEXT, Opcode.CONTINUATION, Opcode.PING, Opcode.PONG


@pytest.fixture(scope="module", params=LOOPS)
def app(request: pytest.FixtureRequest) -> Iterator[TakenOver]:
    with taking_over(request.param) as app:
        yield app


def echoing(wire: Wire) -> SocketTransport:
    owner = EchoingOwner()
    owner.transport = socket = SocketTransport(wire, owner, FrameReader(), set())
    return socket


async def test_pings_that_come_together_are_each_answered_in_one_write() -> None:
    payloads = [str(number).encode() for number in range(TURN_FRAMES)]
    wire = Wire()

    echoing(wire).data_received(b"".join(frame(PING, payload) for payload in payloads))

    assert wire.writes == [b"".join(encode_frame(PONG, payload) for payload in payloads)]


async def test_answers_stay_in_the_order_of_what_they_answer() -> None:
    wire = Wire()
    asked = [frame(PING, b"1"), frame(TEXT, b"2"), frame(PING, b"3"), close_frame(1000)]

    echoing(wire).data_received(b"".join(asked))

    answers = [encode_frame(PONG, b"1"), Message(b"2").frame, encode_frame(PONG, b"3")]
    assert wire.writes[:-1] == answers
    assert wire.writes[-1][0] & 0x0F == Opcode.CLOSE


async def test_a_ping_is_answered_although_a_later_frame_is_wrong() -> None:
    wire = Wire()

    echoing(wire).data_received(frame(PING, b"1") + frame(0x3))

    assert wire.writes[0] == encode_frame(PONG, b"1")


@pytest.mark.parametrize(
    ("first", "repeated"),
    [
        (b"", frame(PING, b"?" * 125)),
        (b"", frame(PONG)),
        (frame(TEXT, fin=False), frame(CONTINUATION, fin=False)),
        (frame(TEXT, fin=False), frame(CONTINUATION, b"a", fin=False)),
    ],
    ids=["pings", "pongs", "empty", "short"],
)
async def test_a_flood_is_closed(app: TakenOver, first: bytes, repeated: bytes) -> None:
    async with app.socket() as (raw, owner):
        raw.write(first + repeated * (2 * FRAMES_PER_SECOND + 1))
        assert await raw.closed() == 3013
        assert not owner.messages


async def test_fragments_that_carry_something_are_no_flood(app: TakenOver) -> None:
    part = b"a" * SHORT_FRAGMENT
    parts = frame(CONTINUATION, part, fin=False) * (FRAMES_PER_SECOND - 1)
    message = frame(TEXT, part, fin=False) + parts + frame(CONTINUATION)
    async with app.socket() as (raw, owner):
        raw.write(message * 3)
        await until(lambda: len(owner.messages) == 3)


def test_as_many_as_a_second_has_are_no_flood() -> None:
    now = 0.0
    rate = FrameRate(lambda: now)
    for _ in range(5 * FRAMES_PER_SECOND):
        assert rate.take()
        now += 1.001 / FRAMES_PER_SECOND


def test_a_burst_may_be_twice_as_many() -> None:
    now = 0.0
    rate = FrameRate(lambda: now)
    now = 1.0
    taken = 0
    while rate.take():
        taken += 1
    assert taken == 2 * FRAMES_PER_SECOND
