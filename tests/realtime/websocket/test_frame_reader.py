"""What a client's bytes are read as, however they are cut."""

import random
import sys
from collections.abc import Iterable

import pytest

from app.realtime.websocket.frame_reader import (
    Close,
    Event,
    Fragment,
    FrameError,
    FrameReader,
    Ping,
    Pong,
)
from app.realtime.wire.frames import Opcode, encode_frame
from tests.realtime.raw_socket import MASK, close_frame, frame, header

TEXT, BINARY, CONTINUATION = Opcode.TEXT, Opcode.BINARY, Opcode.CONTINUATION
CLOSE, PING, PONG = Opcode.CLOSE, Opcode.PING, Opcode.PONG


def read(chunks: Iterable[bytes], limit: int | None = None) -> list[Event]:
    """All events, taken as soon as they are there."""
    reader = FrameReader(limit)
    return [event for chunk in chunks for event in fed(reader, chunk)]


def fed(reader: FrameReader, data: bytes) -> list[Event]:
    reader.feed(data)
    events: list[Event] = []
    while (event := reader.next_event()) is not None:
        if not isinstance(event, Fragment):
            events.append(event)
    return events


def refused(*frames: bytes, limit: int | None = None) -> int:
    """The code that the last of these is refused with, and not one before."""
    reader = FrameReader(limit)
    for one in frames[:-1]:
        fed(reader, one)
    with pytest.raises(FrameError) as failure:
        fed(reader, frames[-1])
    return failure.value.code


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


# --------------------------------------------------------------------- messages


@pytest.mark.parametrize("size", [0, 1, 3, 4, 125, 126, 127, 65535, 65536, 200_000])
@pytest.mark.parametrize("mask", [b"\0\0\0\0", MASK, b"\xff\x00\xff\x01"])
def test_a_message_of_any_length_is_read(size: int, mask: bytes) -> None:
    data = random.Random(size).randbytes(size)
    assert read([frame(BINARY, data, mask=mask)]) == [data]


@pytest.mark.parametrize("text", ["", "order", "grün", "注文", "🛒" * 100])
def test_text_is_a_string(text: str) -> None:
    assert read([frame(TEXT, text.encode())]) == [text]


def test_fragments_make_one_message() -> None:
    fragments = [frame(TEXT, b"or", fin=False), frame(CONTINUATION, b"", fin=False)]
    assert read([*fragments, frame(CONTINUATION, b"der")]) == ["order"]


def test_a_character_may_be_cut_by_a_fragment() -> None:
    cart = "🛒".encode()
    parts = [frame(TEXT, cart[:1], fin=False), frame(CONTINUATION, cart[1:3], fin=False)]
    assert read([*parts, frame(CONTINUATION, cart[3:])]) == ["🛒"]


def test_control_frames_come_between_fragments() -> None:
    stream = [frame(TEXT, b"or", fin=False), frame(PING, b"?"), frame(PONG, b"!")]
    assert read([*stream, frame(CONTINUATION, b"der")]) == [Ping(b"?"), Pong(b"!"), "order"]


def test_the_client_may_close_amid_a_fragmented_message() -> None:
    stream = [frame(TEXT, b"or", fin=False), close_frame(1000, "bye")]
    assert read(stream) == [Close(1000, "bye")]


def test_a_close_may_be_empty() -> None:
    assert read([frame(CLOSE)]) == [Close(1005, "")]


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999])
def test_codes_that_may_be_sent_are_accepted(code: int) -> None:
    assert read([close_frame(code)]) == [Close(code, "")]


def test_bytes_may_come_in_any_pieces() -> None:
    choice = random.Random(6455)
    expected: list[Event] = []
    stream = b""
    for _ in range(200):
        data = choice.randbytes(choice.choice([0, 1, 7, 125, 126, 3000]))
        cut = choice.randint(0, len(data))
        stream += frame(BINARY, data[:cut], fin=False, mask=choice.randbytes(4))
        stream += frame(PING, data[:5], mask=choice.randbytes(4))
        stream += frame(CONTINUATION, data[cut:], mask=choice.randbytes(4))
        expected += [Ping(data[:5]), data]
    assert read([stream]) == expected
    assert read(one_by_one(stream)) == expected
    pieces = []
    while stream:
        size = choice.randint(1, 1000)
        pieces.append(stream[:size])
        stream = stream[size:]
    assert read(pieces) == expected


def test_what_is_not_taken_waits() -> None:
    reader = FrameReader()
    reader.feed(frame(TEXT, b"1") + frame(TEXT, b"2"))
    assert reader.next_event() == "1"
    reader.feed(frame(TEXT, b"3")[:3])
    assert reader.next_event() == "2"
    assert reader.next_event() is None
    reader.feed(frame(TEXT, b"3")[3:])
    assert reader.next_event() == "3"


# -------------------------------------------------------------------- violations


@pytest.mark.parametrize("first", [0xC1, 0xA1, 0x91, 0xF1], ids=hex)
def test_reserved_bits_are_refused(first: int) -> None:
    assert refused(header(first, 0) + MASK) == 1002


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF])
def test_unknown_opcodes_are_refused(opcode: int) -> None:
    assert refused(frame(opcode)) == 1002


def test_a_frame_that_is_not_masked_is_refused() -> None:
    assert refused(encode_frame(TEXT, b"order")) == 1002


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_a_control_frame_is_short_and_whole(opcode: Opcode) -> None:
    assert refused(frame(opcode, bytes(126))) == 1002
    assert refused(frame(opcode, b"", fin=False)) == 1002


def test_a_continuation_needs_a_beginning() -> None:
    assert refused(frame(CONTINUATION, b"der")) == 1002
    assert refused(frame(TEXT, b"or"), frame(CONTINUATION, b"der")) == 1002


def test_a_message_is_ended_before_the_next_begins() -> None:
    assert refused(frame(TEXT, b"or", fin=False), frame(TEXT, b"der")) == 1002
    assert refused(frame(BINARY, b"", fin=False), frame(BINARY, b"")) == 1002


@pytest.mark.parametrize(
    "head",
    [
        bytes((0x82, 0xFE)) + (125).to_bytes(2),
        bytes((0x82, 0xFF)) + (65535).to_bytes(8),
        bytes((0x82, 0xFF)) + (2**63).to_bytes(8),
    ],
    ids=["125 in two bytes", "65535 in eight bytes", "2**63"],
)
def test_a_length_is_in_its_shortest_form(head: bytes) -> None:
    assert refused(head + MASK) == 1002


@pytest.mark.parametrize(
    "code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
)
def test_codes_that_must_not_be_sent_are_refused(code: int) -> None:
    assert refused(close_frame(code)) == 1002


def test_half_a_close_code_is_refused() -> None:
    assert refused(frame(CLOSE, b"\x03")) == 1002


def test_a_close_reason_is_text() -> None:
    assert refused(frame(CLOSE, b"\x03\xe8\xff")) == 1007


@pytest.mark.parametrize("data", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"])
def test_text_that_is_not_utf8_is_refused(data: bytes) -> None:
    assert refused(frame(TEXT, data)) == 1007
    assert read([frame(BINARY, data)]) == [data]


def test_text_that_ends_amid_a_character_is_refused() -> None:
    assert refused(frame(TEXT, "🛒".encode()[:3])) == 1007
    halves = frame(TEXT, "🛒".encode()[:2], fin=False), frame(CONTINUATION, b"")
    assert refused(*halves) == 1007


def test_text_is_refused_as_soon_as_it_cannot_be_valid() -> None:
    assert refused(frame(TEXT, b"order \xf4\x90", fin=False)) == 1007
    assert refused(frame(TEXT, b"order \xf4\x90 " + bytes(1000))[:20]) == 1007


# ------------------------------------------------------------------------ limits


def test_a_message_may_be_as_long_as_the_limit_in_bytes() -> None:
    assert read([frame(TEXT, "ä".encode() * 50)], limit=100) == ["ä" * 50]
    assert refused(frame(TEXT, "ä".encode() * 50 + b"."), limit=100) == 1009


def test_fragments_count_together() -> None:
    parts = [frame(BINARY, bytes(60), fin=False), frame(CONTINUATION, bytes(40))]
    assert read(parts, limit=100) == [bytes(100)]
    parts = [frame(BINARY, bytes(60), fin=False), frame(CONTINUATION, bytes(41))]
    assert refused(*parts, limit=100) == 1009


def test_a_message_is_refused_before_its_data_comes() -> None:
    assert refused(header(0x82, 2**40) + MASK, limit=100) == 1009


@pytest.mark.parametrize("limit", [None, 0])
def test_there_may_be_no_limit(limit: int | None) -> None:
    assert read([frame(BINARY, bytes(2**20))], limit) == [bytes(2**20)]


def test_each_message_has_the_whole_limit() -> None:
    assert read([frame(BINARY, bytes(100))] * 3, limit=100) == [bytes(100)] * 3


def test_no_more_is_kept_than_the_limit() -> None:
    """A client that never ends its message, in frames of one byte and of none."""
    reader = FrameReader(1000)
    reader.feed(frame(TEXT, b"", fin=False))
    for _ in range(1000):
        for one in (frame(CONTINUATION, b"", fin=False), frame(CONTINUATION, b"x", fin=False)):
            assert not fed(reader, one)
    assert held_by(reader) < 2500
    with pytest.raises(FrameError) as failure:
        fed(reader, frame(CONTINUATION, b"x"))
    assert failure.value.code == 1009


def test_of_a_large_piece_only_what_is_not_read_is_kept() -> None:
    reader = FrameReader()
    whole = fed(reader, frame(BINARY, bytes(60_000)) * 4 + frame(TEXT, b"order")[:4])
    assert whole == [bytes(60_000)] * 4
    assert held_by(reader) < 500


def test_nothing_is_kept_between_messages() -> None:
    idle = held_by(FrameReader())
    reader = FrameReader()
    stream = frame(TEXT, b"or", fin=False) + frame(CONTINUATION, b"der") + frame(PING)
    assert fed(reader, stream) == ["order", Ping(b"")]
    assert held_by(reader) == idle


def held_by(reader: FrameReader) -> int:
    """Bytes of the reader and of all that it refers to."""
    parts: list[object] = [reader]
    if reader._partial is not None:
        parts += [reader._partial, reader._partial.data]
    return sum(map(sys.getsizeof, [*parts, reader._data]))
