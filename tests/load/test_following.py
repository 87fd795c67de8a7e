"""However frames are cut, and whoever is sent what first: the account is that of a plain reader."""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from itertools import chain, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from load.dialect import Dialect, Ready
from load.dialects import Plain
from load.documents import Documents
from load.following import FollowingSocket
from load.ledger import Ledger
from load.nats import Nats
from load.receipts import Receipts
from load.reference import Event, Reference
from load.steps import Steps
from load.subscriber import Subscriber
from load.websocket import PROTOCOL_ERROR, Address, WebSocket, memory

ADDRESS = Address.of("http://127.0.0.1:1", "/ws")
PING = Frame(Opcode.TEXT, b"a ping").serialize(mask=False)
OFFSETS = range(1, 41)


def frame(offsets: Sequence[int]) -> bytes:
    lines = [json.dumps({"at": "2026-01-01T00:00:00Z", "offset": n}) for n in offsets]
    data = "\n".join(lines).replace('": ', '":').encode()
    return Frame(Opcode.TEXT, data).serialize(mask=False)


class Room:
    """Sockets of one channel, fed by hand."""

    def __init__(self, sockets: int, dialect: Callable[[str, str], Dialect] = Plain) -> None:
        reference, documents, steps = Reference(), Documents(), Steps()
        self.receipts = Receipts()
        self.receipts.measure_from = 0
        self.subscribers = [Subscriber(dialect("", ""), self.receipts) for _ in range(sockets)]
        self.sockets = [
            FollowingSocket(ADDRESS, each, reference, documents, steps) for each in self.subscribers
        ]
        for socket, subscriber in zip(self.sockets, self.subscribers, strict=True):
            subscriber._begin(Ready(0))
            socket._head = None  # the handshake is over

    def feed(self, nth: int, data: bytes) -> None:
        memory[: len(data)] = data
        self.sockets[nth].buffer_updated(len(data))

    def account(self, nth: int, until: int) -> tuple[int, int, int]:
        return account(self.subscribers[nth].ledger, until)


def account(ledger: Ledger, until: int) -> tuple[int, int, int]:
    return ledger.lost(until), ledger.duplicated, ledger.out_of_order


def plainly(offsets: Sequence[int]) -> Ledger:
    ledger = Ledger(0)
    for offset in offsets:
        ledger.take(offset)
    return ledger


@st.composite
def streams(draw: st.DrawFn) -> list[int]:
    """All offsets; perhaps without one, with one twice, or with two that changed places."""
    offsets = list(OFFSETS)
    at = draw(st.integers(0, len(offsets) - 2))
    defect = draw(st.sampled_from(["none", "drop", "repeat", "swap"]))
    if defect == "drop":
        del offsets[at]
    elif defect == "repeat":
        offsets.insert(at + draw(st.integers(1, 3)), offsets[at])
    elif defect == "swap":
        offsets[at], offsets[at + 1] = offsets[at + 1], offsets[at]
    return offsets


def framed(offsets: Sequence[int], chance: random.Random) -> bytes:
    """In frames of several events each, with messages of another kind between."""
    data, left = b"", list(offsets)
    while left:
        size = chance.choice((1, 1, 2, 3, 7))
        data += frame(left[:size])
        del left[:size]
        if chance.random() < 0.1:
            data += PING
    return data


@settings(max_examples=200)
@given(st.lists(streams(), min_size=1, max_size=4), st.integers(0, 3), st.integers())
async def test_the_account_is_that_of_a_plain_reader(
    given_streams: list[list[int]], framings: int, seed: int
) -> None:
    chance = random.Random(seed)
    room = Room(len(given_streams))
    waiting = [framed(each, random.Random(chance.randint(0, framings))) for each in given_streams]
    while any(waiting):
        nth = chance.randrange(len(waiting))
        size = chance.choice((1, 30, 60, 200, 2_000))
        if waiting[nth]:
            room.feed(nth, waiting[nth][:size])
            waiting[nth] = waiting[nth][size:]
    for nth, offsets in enumerate(given_streams):
        assert room.account(nth, OFFSETS[-1]) == account(plainly(offsets), OFFSETS[-1])
    room.receipts.settle()
    assert room.receipts.latencies.count == sum(map(len, given_streams))


def nats_framed(offsets: Sequence[int], chance: random.Random) -> bytes:
    """Operations of NATS in messages that end anywhere, often after an operation."""
    stream, ends = b"", {0}
    for offset in offsets:
        data = b'{"at":"2026-01-01T00:00:00Z","offset":%d}' % offset
        stream += b"MSG orders 1 %d\r\n%b\r\n" % (len(data), data)
        ends.add(len(stream))
        if chance.random() < 0.1:
            stream += b"PING\r\n"
    cuts = {chance.randrange(len(stream)) for _ in range(chance.choice((0, 0, 3)))}
    places = sorted({end for end in ends if chance.random() < 0.5} | {0, len(stream)} | cuts)
    parts = [stream[one:two] for one, two in pairwise(places)]
    return b"".join(Frame(Opcode.BINARY, part).serialize(mask=False) for part in parts)


@settings(max_examples=200)
@given(st.lists(streams(), min_size=1, max_size=4), st.integers(0, 3), st.integers())
async def test_so_it_is_where_messages_are_cut_anywhere(
    given_streams: list[list[int]], framings: int, seed: int
) -> None:
    chance = random.Random(seed)
    room = Room(len(given_streams), Nats)
    for each in room.subscribers:
        each.opened(Deaf(ADDRESS, each))
    waiting = [
        nats_framed(each, random.Random(chance.randint(0, framings))) for each in given_streams
    ]
    while any(waiting):
        nth = chance.randrange(len(waiting))
        size = chance.choice((1, 30, 60, 200, 2_000))
        if waiting[nth]:
            room.feed(nth, waiting[nth][:size])
            waiting[nth] = waiting[nth][size:]
    for nth, offsets in enumerate(given_streams):
        assert room.account(nth, OFFSETS[-1]) == account(plainly(offsets), OFFSETS[-1])


class Deaf(WebSocket):
    """Of a connection that there is not: what is said goes nowhere."""

    def send(self, message: bytes, opcode: int = 1) -> None:
        """As above."""


async def test_equal_bytes_are_only_compared() -> None:
    room = Room(2)
    for nth in range(2):
        room.feed(nth, PING)
    data = frame([1, 2]) + frame([3])
    room.feed(0, data)
    room.subscribers[1].events = _unread  # type: ignore[method-assign]
    room.feed(1, data[:10])
    room.feed(1, data[10:])
    assert room.account(1, 3) == (0, 0, 0)


@pytest.mark.parametrize(
    "reads",
    [
        [[1], [2, 4, 3, 5]],
        [[1], [2, 3, 3, 5]],
        [[1], [3], [4, 2, 6]],
    ],
    ids=str,
)
async def test_who_follows_has_the_faults_of_the_first(reads: list[list[int]]) -> None:
    room = Room(3)
    for nth in range(3):
        for offsets in reads:
            room.feed(nth, b"".join(frame([offset]) for offset in offsets))
    plain = account(plainly(list(chain(*reads))), 6)
    assert [room.account(nth, 6) for nth in range(3)] == [plain] * 3


def long_frame(offset: int) -> bytes:
    """One event, of 1 MiB."""
    line = b'{"at":"2026-01-01T00:00:00Z","pad":"%b","offset":%d}' % (b"x" * (1 << 20), offset)
    return Frame(Opcode.TEXT, line).serialize(mask=False)


async def test_who_is_far_behind_inside_of_a_frame_reads_on_when_the_others_have_forgotten_it() -> (
    None
):
    room, half = Room(3), len(memory) // 2
    first, *others = [long_frame(offset) for offset in range(2, 30)]
    for nth in range(2):
        room.feed(nth, frame([1]))

    def read(nth: int, data: bytes) -> None:
        for begin in range(0, len(data), half):
            room.feed(nth, data[begin : begin + half])

    read(0, first)
    read(1, first[:half])
    read(0, b"".join(others))
    room.feed(2, frame([1]))
    read(2, first[:half])
    for nth in (1, 2):
        read(nth, first[half:] + b"".join(others))
    assert [room.account(nth, 29) for nth in range(3)] == [(0, 0, 0)] * 3


async def test_whoever_breaks_the_rules_is_not_followed() -> None:
    room = Room(2)
    for socket in room.sockets:
        socket._transport = Gone()
        for data in (frame([1]), b"\x81\xff"):  # masked
            memory[: len(data)] = data
            socket.buffer_updated(len(data))
    assert [socket._code for socket in room.sockets] == [PROTOCOL_ERROR] * 2


class Gone(asyncio.Transport):
    def abort(self) -> None:
        """Nobody is there."""


def _unread(payload: bytes) -> Sequence[Event] | None:
    pytest.fail(f"read although it was known: {payload!r}")
