"""Frames as a server sends them, made by the websockets library."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.frames import Opcode as Kind

from load.frames import FrameError, FrameReader, Opcode

SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, 70_000)


def text(payload: bytes, *, fin: bool = True, kind: Kind = Kind.TEXT) -> bytes:
    return Frame(kind, payload, fin=fin).serialize(mask=False)


def compressed(data: bytes) -> bytes:
    """A message whose data is this, as it is."""
    first, *others = text(data)
    return bytes((first | 0x40, *others))


def deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)[:-4]


def messages(*pieces: bytes) -> list[tuple[int, bytes]]:
    reader = FrameReader()
    return [(frame.opcode, frame.payload) for piece in pieces for frame in reader.feed(piece)]


@pytest.mark.parametrize("size", SIZES)
def test_a_message_of_any_length_is_read(size: int) -> None:
    assert messages(text(b"x" * size)) == [(Opcode.TEXT, b"x" * size)]


def test_several_messages_in_one_read_come_out_in_order() -> None:
    data = text(b"one") + text(b"two") + text(b"", kind=Kind.PING)
    assert messages(data) == [
        (Opcode.TEXT, b"one"),
        (Opcode.TEXT, b"two"),
        (Opcode.PING, b""),
    ]


@given(st.lists(st.sampled_from(SIZES), max_size=4), st.integers(min_value=500, max_value=70_000))
def test_where_reads_are_cut_does_not_matter(sizes: list[int], cut: int) -> None:
    data = b"".join(text(b"y" * size) for size in sizes)
    found = messages(*(data[at : at + cut] for at in range(0, len(data), cut)))
    assert [len(payload) for _, payload in found] == sizes


def test_a_header_cut_anywhere_waits_for_the_rest() -> None:
    reader = FrameReader()
    found = [reader.feed(bytes([byte])) for byte in text(b"z" * 126)]
    assert [frame.payload for frame in found[-1]] == [b"z" * 126]
    assert not any(found[:-1])


def test_fragments_are_joined_and_a_ping_may_come_between() -> None:
    data = text(b"a", fin=False) + text(b"", kind=Kind.PING) + text(b"b", kind=Kind.CONT)
    assert messages(data) == [(Opcode.PING, b""), (Opcode.TEXT, b"ab")]


def test_each_message_comes_with_the_bytes_of_its_last_frame() -> None:
    whole, end = text(b"a"), text(b"c", kind=Kind.CONT)
    found = FrameReader().feed(whole + text(b"b", fin=False) + end)
    assert [frame.raw for frame in found] == [whole, end]


def test_a_masked_frame_is_an_error() -> None:
    with pytest.raises(FrameError, match="masked"):
        FrameReader().feed(Frame(Kind.TEXT, b"a").serialize(mask=True))


def test_a_compressed_message_is_inflated_where_that_was_agreed_on() -> None:
    whole = compressed(deflate(b"event " * 100))
    found = FrameReader(compression=True).feed(text(b"plain") + whole)
    assert [frame.payload for frame in found] == [b"plain", b"event " * 100]
    assert found[1].raw == whole


def test_what_cannot_be_inflated_is_an_error() -> None:
    (found,) = FrameReader(compression=True).feed(compressed(b"\xff" * 10))
    with pytest.raises(FrameError, match="inflated"):
        _ = found.payload


def test_an_extension_bit_is_an_error() -> None:
    with pytest.raises(FrameError, match="extension"):
        FrameReader().feed(b"\xc1\x01a")
