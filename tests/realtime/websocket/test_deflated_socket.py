"""Connections that agreed on permessage-deflate: what they read, and what they are sent."""

import gc
import random
import sys
from typing import Any

import pytest
from websockets.asyncio.client import connect

from app.realtime.websocket.deflated_socket import DeflatedFrameReader, DeflatedTransport
from app.realtime.websocket.frame_reader import (
    Close,
    Event,
    Fragment,
    FrameError,
    FrameReader,
    Ping,
)
from app.realtime.websocket.socket_transport import SocketTransport
from app.realtime.wire.deflate import ANSWER, deflate, inflate
from app.realtime.wire.frames import RSV1, Message, Opcode
from tests.realtime.owners import RecordingOwner, accept_and_take_over, echo
from tests.realtime.raw_socket import MASK, RawSocket, close_frame, connected, frame, header
from tests.realtime.served import LOOPS, serving
from tests.waiting import until

TEXT, BINARY, CONTINUATION = Opcode.TEXT, Opcode.BINARY, Opcode.CONTINUATION
ORDERS = '{"type":"order.updated","order":{"note":"grün 🛒"}}' * 40
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


def compressed(data: bytes, opcode: Opcode = TEXT, *, fin: bool = True) -> bytes:
    return frame(opcode | RSV1, deflate(data), fin=fin)


def in_pieces(data: bytes, opcode: Opcode, *cuts: int) -> list[bytes]:
    """The frames of one compressed message, cut at these places."""
    whole = deflate(data)
    ends = [*cuts, len(whole)]
    pieces = [whole[begin:end] for begin, end in zip([0, *cuts], ends, strict=True)]
    first, *middle, last = pieces
    return [
        frame(opcode | RSV1, first, fin=False),
        *(frame(CONTINUATION, piece, fin=False) for piece in middle),
        frame(CONTINUATION, last),
    ]


def read(*chunks: bytes, limit: int | None = None) -> list[Event]:
    reader = DeflatedFrameReader(limit)
    return [event for chunk in chunks for event in fed(reader, chunk)]


def fed(reader: FrameReader, data: bytes) -> list[Event]:
    reader.feed(data)
    events: list[Event] = []
    while (event := reader.next_event()) is not None:
        if not isinstance(event, Fragment):
            events.append(event)
    return events


def refused(*frames: bytes, reader: FrameReader | None = None, limit: int | None = None) -> int:
    """The code that the last of these is refused with, and not one before."""
    reader = reader or DeflatedFrameReader(limit)
    for one in frames[:-1]:
        fed(reader, one)
    with pytest.raises(FrameError) as failure:
        fed(reader, frames[-1])
    return failure.value.code


# ----------------------------------------------------------------------- reading


@pytest.mark.parametrize("size", [0, 1, 125, 126, 5000, 200_000])
def test_a_compressed_message_is_read(size: int) -> None:
    data = random.Random(size).randbytes(size // 2) * 2
    assert read(compressed(data, BINARY)) == [data]
    assert read(compressed(ORDERS.encode())) == [ORDERS]


def test_plain_and_compressed_messages_may_come_by_turns() -> None:
    stream = frame(TEXT, b"1") + compressed(b"2") + frame(BINARY, b"3") + compressed(b"4", BINARY)
    assert read(stream) == ["1", "2", b"3", b"4"]


def test_a_compressed_message_may_come_in_frames_with_pings_between() -> None:
    first, *others = in_pieces(ORDERS.encode(), TEXT, 1, 1, 50)
    assert read(first, frame(Opcode.PING, b"?"), *others) == [Ping(b"?"), ORDERS]


def test_bytes_may_come_one_by_one() -> None:
    stream = b"".join(in_pieces(ORDERS.encode(), TEXT, 30)) + compressed(b"\xff", BINARY)
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == [ORDERS, b"\xff"]


def test_the_client_may_close_amid_a_compressed_message() -> None:
    assert read(in_pieces(ORDERS.encode(), TEXT, 30)[0], close_frame(1000)) == [Close(1000, "")]


def test_text_is_checked_after_it_is_inflated() -> None:
    assert refused(compressed(b"\xff" * 200)) == 1007
    assert refused(compressed("🛒".encode()[:3])) == 1007
    assert refused(*in_pieces(b"\xf4\x90" * 100, TEXT, 3)) == 1007
    assert read(compressed(b"\xff" * 200, BINARY)) == [b"\xff" * 200]


def test_what_cannot_be_inflated_is_refused() -> None:
    assert refused(frame(TEXT | RSV1, b"\xff" * 10)) == 1007
    assert refused(frame(BINARY | RSV1, b"\x07" + deflate(b"order"))) == 1007


# -------------------------------------------------------------------- violations


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_who_did_not_agree_may_not_compress(opcode: Opcode) -> None:
    assert refused(compressed(b"order", opcode), reader=FrameReader()) == 1002
    assert refused(compressed(b"order", opcode, fin=False), reader=FrameReader()) == 1002


@pytest.mark.parametrize("opcode", [Opcode.CLOSE, Opcode.PING, Opcode.PONG])
def test_a_control_frame_is_not_compressed(opcode: Opcode) -> None:
    assert refused(compressed(b"", opcode)) == 1002


@pytest.mark.parametrize("first", [compressed(b"or", fin=False), frame(TEXT, b"or", fin=False)])
@pytest.mark.parametrize("fin", [True, False])
def test_only_the_first_frame_says_that_a_message_is_compressed(first: bytes, *, fin: bool) -> None:
    assert refused(first, frame(CONTINUATION | RSV1, b"der", fin=fin)) == 1002


@pytest.mark.parametrize("reserved", [0x20, 0x10, RSV1 | 0x20, RSV1 | 0x10])
def test_the_other_reserved_bits_are_refused(reserved: int) -> None:
    assert refused(frame(TEXT | reserved, b"")) == 1002


def test_a_message_is_ended_before_a_compressed_one_begins() -> None:
    assert refused(frame(TEXT, b"or", fin=False), compressed(b"der")) == 1002
    assert refused(compressed(b"or", fin=False), frame(TEXT, b"der")) == 1002


# ------------------------------------------------------------------------ limits


def test_the_limit_holds_for_what_is_inflated() -> None:
    assert read(compressed(bytes(1000), BINARY), limit=1000) == [bytes(1000)]
    assert refused(compressed(bytes(1001), BINARY), limit=1000) == 1009
    assert refused(*in_pieces(bytes(1001), BINARY, 5), limit=1000) == 1009


def test_the_limit_holds_for_what_is_sent() -> None:
    assert refused(header(0x82 | RSV1, 1001) + MASK, limit=1000) == 1009
    empty_blocks = [frame(TEXT | RSV1, b"\x00" + b"\x00\x00\xff\xff" * 199, fin=False)]
    assert refused(*empty_blocks, frame(CONTINUATION, bytes(300)), limit=1000) == 1009


@pytest.mark.parametrize("limit", [None, 0])
def test_there_may_be_no_limit(limit: int | None) -> None:
    assert read(compressed(bytes(2**20), BINARY), limit=limit) == [bytes(2**20)]


def test_between_messages_it_holds_what_a_plain_reader_does() -> None:
    reader = DeflatedFrameReader(65_536)
    assert fed(reader, compressed(ORDERS.encode())) == [ORDERS]
    assert reader._partial is None
    assert reader._data == b""
    assert sys.getsizeof(reader) == sys.getsizeof(FrameReader())


# ------------------------------------------------------------------ on real sockets


class Broadcast:
    """Takes every connection over; what is said to all is one message."""

    def __init__(self) -> None:
        self.owners: list[RecordingOwner] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        owner = RecordingOwner()
        owner.transport = await accept_and_take_over(scope, receive, send, owner)
        self.owners.append(owner)

    def say(self, message: Message) -> None:
        for owner in self.owners:
            owner.carrier.send(message)


@pytest.mark.parametrize("path", ["route", "taken-over"])
@pytest.mark.parametrize("loop", LOOPS)
async def test_a_client_that_compresses_is_understood(loop: str, path: str) -> None:
    with serving(echo, loop=loop, ws_per_message_deflate=True) as served:
        url = f"ws://127.0.0.1:{served.port}/{path}"
        async with connect(url, compression="deflate") as client:
            assert client.response is not None
            assert client.response.headers["Sec-WebSocket-Extensions"] == ANSWER
            for said in (ORDERS, b"\xff" * 1000, "", "x" * 60_000):
                await client.send(said)
                assert await client.recv() == said
            await client.send(iter(["or", "der" * 1000]))
            assert await client.recv() == "or" + "der" * 1000
            await client.close(4001, "bye")
            assert client.close_code == 4001


async def test_all_who_agreed_are_sent_one_frame_and_the_others_a_plain_one() -> None:
    app = Broadcast()
    message = Message(ORDERS.encode(), shared=True)
    with serving(app, ws_per_message_deflate=True) as served:
        url = f"ws://127.0.0.1:{served.port}"
        async with (
            connect(url, compression="deflate") as one,
            connect(url, compression="deflate") as two,
            connect(url, compression=None) as plain,
        ):
            await until(lambda: len(app.owners) == 3)
            await served.do(app.say, message)
            for client in (one, two, plain):
                assert await client.recv() == ORDERS
            carriers: list[Any] = [owner.carrier for owner in app.owners]
            written = [carrier._written for carrier in carriers]
            kinds = [type(carrier) for carrier in carriers]
            assert sorted(written) == sorted(
                [len(message.deflated_frame)] * 2 + [len(message.frame)]
            )
            assert kinds.count(DeflatedTransport) == 2
            assert kinds.count(SocketTransport) == 1


async def test_what_is_sent_is_marked_and_can_be_inflated() -> None:
    app = Broadcast()
    with serving(app, ws_per_message_deflate=True) as served:
        async with connected(served.port) as raw:
            await agreed(raw)
            await until(lambda: len(app.owners) == 1)
            await served.do(app.say, Message(ORDERS.encode(), shared=True))
            await served.do(app.say, Message(b"short", shared=True))
            first, data = await raw.whole_frame()
            assert first == 0x80 | RSV1 | TEXT
            assert inflate(data, 10_000) == ORDERS.encode()
            assert await raw.whole_frame() == (0x80 | TEXT, b"short")
            raw.write(frame(Opcode.PING, b"?" * 125))
            assert await raw.whole_frame() == (0x80 | Opcode.PONG, b"?" * 125)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (compressed(b"\xff" * 200), 1007),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT | RSV1, b"\xff" * 10), 1007),
        (compressed(bytes(14_000_000), BINARY), 1009),
        (frame(CONTINUATION | RSV1, b""), 1002),
        (frame(Opcode.PING | RSV1, b""), 1002),
    ],
    ids=["not UTF-8", "plain, not UTF-8", "not deflated", "bomb", "continuation", "ping"],
)
async def test_who_breaks_the_rules_is_told_why(
    caplog: pytest.LogCaptureFixture, sent: bytes, code: int
) -> None:
    app = Broadcast()
    with serving(app, ws_per_message_deflate=True) as served:
        async with connected(served.port) as raw:
            await agreed(raw)
            raw.write(sent)
            assert await raw.closed() == code
        await until(lambda: bool(app.owners) and app.owners[0].changes == ["lost"])
    assert not app.owners[0].messages
    assert "ERROR" not in {record.levelname for record in caplog.records}


async def test_compression_that_is_off_is_not_agreed_on() -> None:
    with serving(Broadcast()) as served:
        async with connected(served.port) as raw:
            await raw.upgrade("/", OFFER)
            assert raw.head.startswith(b"HTTP/1.1 101 ")
            assert b"Extensions" not in raw.head
            raw.write(compressed(b"order"))
            assert await raw.closed() == 1002


async def test_offers_in_several_headers_are_read_together() -> None:
    with serving(Broadcast(), ws_per_message_deflate=True) as served:
        async with connected(served.port) as raw:
            small = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8"
            await raw.upgrade("/", small, OFFER)
            assert f"\r\nSec-WebSocket-Extensions: {ANSWER}\r\n".encode() in raw.head


async def test_an_idle_connection_keeps_nothing_of_zlib() -> None:
    app = Broadcast()
    with serving(app, ws_per_message_deflate=True) as served:
        async with connected(served.port) as raw:
            await agreed(raw)
            raw.write(compressed(ORDERS.encode()))
            await until(lambda: bool(app.owners) and app.owners[0].messages == [ORDERS])
            await served.do(app.say, Message(ORDERS.encode(), shared=True))
            await raw.whole_frame()
            assert not [each for each in reachable(app.owners[0]) if is_of_zlib(each)]


async def agreed(raw: RawSocket) -> None:
    await raw.upgrade("/", OFFER)
    assert f"\r\nSec-WebSocket-Extensions: {ANSWER}\r\n".encode() in raw.head


def reachable(owner: RecordingOwner) -> list[object]:
    """The connection and what it holds, down to the transport of the event loop."""
    carrier: Any = owner.carrier
    return [carrier, *gc.get_referents(carrier), *gc.get_referents(carrier._reader)]


def is_of_zlib(each: object) -> bool:
    return type(each).__module__ == "zlib"
