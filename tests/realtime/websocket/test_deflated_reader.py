"""The reader of a connection that agreed on permessage-deflate: messages, violations, limits."""

import random
import sys

import pytest

from app.realtime.websocket.deflated_socket import DeflatedFrameReader
from app.realtime.websocket.frame_reader import (
    Close,
    Event,
    Fragment,
    FrameError,
    FrameReader,
    Ping,
)
from app.realtime.wire.deflate import deflate
from app.realtime.wire.frames import RSV1, Opcode
from tests.realtime.deflated import ORDERS, compressed, in_pieces
from tests.realtime.raw_socket import MASK, close_frame, frame, header

TEXT, BINARY, CONTINUATION = Opcode.TEXT, Opcode.BINARY, Opcode.CONTINUATION


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
