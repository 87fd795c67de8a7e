"""ConnectionManager: clients that are behind in many channels, on a real Postgres."""

import random
from collections.abc import AsyncIterator
from json import dumps

import pytest

from app.core.config import Settings
from app.realtime.fanout import refill
from app.realtime.fanout.connection import REFILLS, Connection
from app.realtime.fanout.refill import KEPT_BYTES, KEPT_SEGMENTS, Refills
from app.realtime.log.channel_log import Segment
from app.realtime.log.reader import PIECE_BYTES
from app.realtime.wire.batches import BATCH_BYTES, Entry
from app.realtime.wire.codes import UnsubscribeCode
from app.realtime.wire.frames import Message
from tests.realtime.halls import Hall, hall_of
from tests.realtime.log_writer import LogWriter
from tests.realtime.logs import a_log
from tests.realtime.recording import RecordingTransport
from tests.waiting import until

CHANNELS = [f"c{nth}" for nth in range(12)]
EVENTS = 5


class Slow(RecordingTransport):
    """Takes one message, then is paused."""

    def send(self, message: Message) -> None:
        super().send(message)
        self.writable = False


@pytest.fixture
async def hall(settings: Settings, log: LogWriter) -> AsyncIterator[Hall]:
    """Its rings hold nothing of what is in the log already; each event is a message."""
    for channel in CHANNELS:
        await log.append(channel, count=EVENTS, payload=dumps({"fill": "x" * BATCH_BYTES}))
    async with hall_of(settings, log) as hall:
        yield hall


async def returning(hall: Hall, transport: RecordingTransport) -> Connection:
    """It has nothing yet, and follows the channels in any order."""
    connection = hall.manager.open(transport)
    for channel in random.sample(CHANNELS, len(CHANNELS)):
        await hall.follow(connection, channel, cursor=0)
    return connection


def has_all(transport: RecordingTransport, channel: str) -> bool:
    return [pub["offset"] for pub in transport.publications(channel)] == [*range(1, EVENTS + 1)]


def idle(connection: Connection) -> bool:
    """Whether nothing is read for it."""
    return not any(one.refilling for one in connection.subscriptions.values())


async def test_who_does_not_read_keeps_little_of_what_is_read(hall: Hall) -> None:
    transport = Slow()
    connection = await returning(hall, transport)
    connection.pump()
    for _ in range(len(CHANNELS) * EVENTS):
        await until(lambda: idle(connection))
        assert len({one.segment for one in connection.subscriptions.values()} - {None}) <= REFILLS
        transport.writable = True
        connection.resume()
        await until(lambda: not transport.writable or not connection.is_behind)
    assert all(has_all(transport, channel) for channel in CHANNELS)
    assert len(hall.reader.reads) == 2 * len(CHANNELS)  # once to make each active


async def test_many_who_return_at_once_have_each_channel_read_once(hall: Hall) -> None:
    transports = [RecordingTransport() for _ in range(10)]
    connections = [await returning(hall, transport) for transport in transports]
    hall.reader.reads.clear()
    for connection in connections:
        connection.pump()
    await until(lambda: not any(connection.is_behind for connection in connections))
    assert all(has_all(each, channel) for each in transports for channel in CHANNELS)
    assert hall.reader.reads == ["refill"] * len(CHANNELS)


async def test_who_leaves_a_channel_while_it_is_read_goes_on_with_others(hall: Hall) -> None:
    transport = RecordingTransport()
    connection = await returning(hall, transport)
    left = list(connection.subscriptions)[:REFILLS]
    hall.reader.may_answer.clear()
    connection.pump()
    for channel in left:
        hall.manager.end(connection, channel, UnsubscribeCode.SERVER)
    hall.reader.may_answer.set()
    await until(lambda: not connection.is_behind)
    assert {channel for channel in CHANNELS if has_all(transport, channel)} == {*CHANNELS} - {*left}


async def test_nothing_of_what_was_read_is_kept_for_a_channel_that_was_left(hall: Hall) -> None:
    connection = await returning(hall, Slow())
    connection.pump()
    await until(lambda: idle(connection))
    left = next(one for one in connection.subscriptions.values() if one.segment is not None)
    hall.manager.detach(connection, left.channel)
    assert left.segment is None


async def test_others_are_read_for_after_one_whose_log_was_cut(hall: Hall, log: LogWriter) -> None:
    transport = RecordingTransport()
    connection = await returning(hall, transport)
    lost = list(connection.subscriptions)[:REFILLS]
    for channel in lost:
        await log.cut(channel, [1])
    connection.pump()
    await until(lambda: not connection.is_behind)
    assert {channel for channel in CHANNELS if has_all(transport, channel)} == {*CHANNELS} - {*lost}


@pytest.mark.parametrize("error", [ConnectionError("away"), LookupError("a defect")])
async def test_others_are_read_for_after_a_read_that_failed(hall: Hall, error: Exception) -> None:
    transport = RecordingTransport()
    connection = await returning(hall, transport)
    hall.reader.failures, hall.reader.error = REFILLS, error
    connection.pump()
    await until(lambda: not connection.is_behind)
    assert all(has_all(transport, channel) for channel in CHANNELS)


async def test_what_is_kept_of_what_was_read_is_bounded_by_bytes(hall: Hall) -> None:
    refills = Refills(hall.reader, lambda _one: None, lambda _one: None)
    log, payload = a_log(), bytes(PIECE_BYTES)
    for nth in range(KEPT_SEGMENTS):
        refills._keep(Segment(log, nth, [Entry(nth + 1, 0.0, payload)]))
    assert sum(segment.size for segment in refills._recent) == KEPT_BYTES
    assert refills._recent[-1].end == KEPT_SEGMENTS


async def test_what_slow_clients_hold_is_bounded_and_they_lack_nothing(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refill, "HELD_BYTES", 2 * EVENTS * BATCH_BYTES)
    transports = [Slow() for _ in range(2)]
    connections = [await returning(hall, transport) for transport in transports]
    while any(connection.is_behind for connection in connections):
        for connection, transport in zip(connections, transports, strict=True):
            transport.writable = True
            connection.resume()
            await until(lambda: not transport.writable or not connection.is_behind)  # noqa: B023
            await until(lambda: idle(connection))  # noqa: B023 - right here
            subscriptions = [one for each in connections for one in each.subscriptions.values()]
            assert len({one.segment for one in subscriptions} - {None}) <= 2 * REFILLS - 1
    assert all(has_all(each, channel) for each in transports for channel in CHANNELS)
