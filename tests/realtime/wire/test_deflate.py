"""What is agreed on compression, and how a message is compressed and read back."""

import random
import tracemalloc
import zlib

import pytest

from app.realtime.wire.deflate import (
    ANSWER,
    TAIL,
    WINDOW_BITS,
    InflateError,
    TooLongError,
    agree,
    deflate,
    inflate,
)

NAME = "permessage-deflate"
WINDOW = f"{ANSWER}; server_max_window_bits={WINDOW_BITS}"
ORDER = b'{"type":"order.updated","version":7,"changed":{"status":["placed","accepted"]}}'


# ---------------------------------------------------------------------- agreeing


@pytest.mark.parametrize(
    "offer",
    [
        NAME,
        f"{NAME}; client_max_window_bits",
        f"{NAME};client_max_window_bits=8",
        f'{NAME}; client_max_window_bits="15"',
        f"{NAME} ; server_no_context_takeover ; client_no_context_takeover",
        f"{NAME};\tclient_max_window_bits = 10",
    ],
)
def test_an_offer_is_accepted_without_context_takeover(offer: str) -> None:
    assert agree(offer) == ANSWER


@pytest.mark.parametrize("bits", ["12", "13", "15", '"12"'])
def test_a_window_that_is_large_enough_is_answered_with_ours(bits: str) -> None:
    assert agree(f"{NAME}; server_max_window_bits={bits}") == WINDOW


@pytest.mark.parametrize("bits", ["8", "9", "11", '"11"'])
def test_a_window_that_is_too_small_is_declined(bits: str) -> None:
    assert agree(f"{NAME}; server_max_window_bits={bits}") is None


@pytest.mark.parametrize(
    "parameter",
    [
        "server_no_context_takeover=1",
        "server_no_context_takeover=",
        "client_no_context_takeover=true",
        "server_max_window_bits",
        "server_max_window_bits=",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=012",
        "server_max_window_bits=+12",
        'server_max_window_bits="12',
        "server_max_window_bits=१२",
        "client_max_window_bits=",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=08",
        "client_max_window_bits=ten",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits=12; server_max_window_bits=12",
        "client_max_window_bits; client_max_window_bits=12",
        "Server_No_Context_Takeover",
        "mux",
        "=12",
        "",
    ],
)
def test_an_offer_with_a_parameter_that_is_not_valid_is_declined(parameter: str) -> None:
    assert agree(f"{NAME}; {parameter}") is None


@pytest.mark.parametrize(
    "offer", ["", ",", "x-webkit-deflate-frame", "permessage-bzip2", f"{NAME}d", f'"{NAME}"']
)
def test_other_extensions_are_not_confirmed(offer: str) -> None:
    assert agree(offer) is None


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        (f"{NAME}; server_max_window_bits=8, {NAME}", ANSWER),
        (f"{NAME}; server_max_window_bits=12, {NAME}", WINDOW),
        (f"{NAME}; mux; x=1, foo; bar, {NAME}; client_max_window_bits", ANSWER),
    ],
)
def test_of_several_offers_the_first_that_can_be_kept_counts(offers: str, answer: str) -> None:
    assert agree(offers) == answer


# ------------------------------------------------------------------- compressing


@pytest.mark.parametrize("size", [0, 1, 100, 5000, 65_536, 300_000])
@pytest.mark.parametrize("kind", ["text", "random"])
def test_what_is_compressed_is_read_back(size: int, kind: str) -> None:
    chosen = random.Random(size)
    data = (ORDER * (size // len(ORDER) + 1))[:size] if kind == "text" else chosen.randbytes(size)
    assert inflate(deflate(data), size) == data


def test_a_client_with_our_window_can_read_it() -> None:
    """Repeats at a distance of 30,000: to those a larger window would refer."""
    data = random.Random(7692).randbytes(30_000) * 3
    stream = zlib.decompressobj(-WINDOW_BITS)
    assert stream.decompress(deflate(data) + TAIL) == data


def test_each_message_is_compressed_by_itself() -> None:
    assert deflate(ORDER) == deflate(ORDER)


# ----------------------------------------------------------------------- reading

HELLO = [  # RFC 7692, sections 7.2.3.1 to 7.2.3.5
    pytest.param("f2 48 cd c9 c9 07 00", id="one block"),
    pytest.param("00 05 00 fa ff 48 65 6c 6c 6f 00", id="not compressed"),
    pytest.param("f3 48 cd c9 c9 07 00 00", id="a last block"),
    pytest.param("f2 48 05 00 00 00 ff ff ca c9 c9 07 00", id="two blocks"),
]


@pytest.mark.parametrize("data", HELLO)
def test_the_examples_of_the_standard_are_read(data: str) -> None:
    assert inflate(bytes.fromhex(data), 5) == b"Hello"


def test_a_client_may_use_the_largest_window() -> None:
    data = random.Random(15).randbytes(32_000) * 2
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    sent = stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH).removesuffix(TAIL)
    assert len(sent) < 40_000
    assert inflate(sent, 64_000) == data


def test_a_message_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert inflate(deflate(bytes(1000)), 1000) == bytes(1000)
    with pytest.raises(TooLongError):
        inflate(deflate(bytes(1001)), 1000)


def test_of_a_bomb_no_more_is_made_than_the_limit() -> None:
    bomb = deflate(bytes(14_000_000))
    assert len(bomb) < 65_536
    tracemalloc.start()
    try:
        with pytest.raises(TooLongError):
            inflate(bomb, 65_536)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * 65_536


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 10,
        b"\x06",  # a block of the type that is reserved
        b"\x00\x05\x00\x00\x00Hello",  # a length and its complement that do not fit
        b"",
        bytes.fromhex("f2 48 cd c9 c9 07 00 ff"),
        bytes.fromhex("f2 48 cd c9 c9"),
        bytes.fromhex("f3 48 cd c9 c9 07 00"),  # a last block without the empty one after it
        bytes.fromhex("f3 48 cd c9 c9 07 00 00 f2 48 cd c9 c9 07 00"),  # more after the last
        b"\x78\x9c" + deflate(b"with the head of zlib"),
    ],
)
def test_what_was_not_compressed_so_is_refused(data: bytes) -> None:
    with pytest.raises(InflateError):
        inflate(data, 1000)
