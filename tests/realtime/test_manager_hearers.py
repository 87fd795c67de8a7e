"""ConnectionManager: who is told what at once, and who is told of the connections themselves."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.realtime.codec import JSON, JsonCodec
from app.realtime.codes import CloseCode
from app.realtime.protocol import ClientInfo, Push, Reply, signal_push
from app.realtime.subscription import Subscription
from tests.realtime.halls import Hall, hall_of
from tests.realtime.log_writer import LogWriter
from tests.realtime.recording import RecordingTransport

SIGNAL = signal_push("a", {"editing": "note"}, ClientInfo(user="7", client="c"))


class Counting(JsonCodec):
    """Counts what it encodes."""

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, document: Reply | Push) -> bytes:
        self.encoded += 1
        return super().encode(document)


@pytest.fixture
async def hall(settings: Settings, log: LogWriter) -> AsyncIterator[Hall]:
    async with hall_of(settings, log) as hall:
        yield hall


def everybody(_subscription: Subscription) -> bool:
    return True


# -------------------------------------------------------------------- announcing


async def test_an_announcement_reaches_those_for_whom_it_is_meant(hall: Hall) -> None:
    seats = [await hall.seat("a") for _ in range(3)]
    elsewhere = await hall.seat("b")
    hall.manager.announce("a", SIGNAL, lambda one: one is not seats[1].subscription)
    told = [seat.transport.sent for seat in (*seats, elsewhere)]
    assert told == [[JSON.encode(SIGNAL)], [], [JSON.encode(SIGNAL)], []]


async def test_who_cannot_take_an_announcement_now_is_never_told(hall: Hall) -> None:
    slow, quick = await hall.seat("a"), await hall.seat("a")
    slow.pause()
    hall.manager.announce("a", SIGNAL, everybody)
    slow.drain()
    assert (slow.transport.sent, len(quick.transport.sent)) == ([], 1)


async def test_who_is_suspended_is_told_no_announcement(hall: Hall) -> None:
    seat = await hall.seat("a")
    seat.subscription.suspended = True
    hall.manager.announce("a", SIGNAL, everybody)
    assert seat.transport.sent == []


async def test_an_announcement_is_encoded_once_for_each_flavour(hall: Hall) -> None:
    codecs = [Counting(), Counting()]
    for codec in codecs * 3:
        connection = hall.manager.open(RecordingTransport(), codec)
        log = await hall.follower.acquire("a")
        hall.manager.attach(Subscription(connection, "a", log, log.head))
    hall.manager.announce("a", SIGNAL, everybody)
    assert [codec.encoded for codec in codecs] == [1, 1]


async def test_an_announcement_to_nobody_is_nothing(hall: Hall) -> None:
    hall.manager.announce("a", SIGNAL, everybody)
    assert hall.manager.audience("a") == []


# ----------------------------------------------------------------- cursors, blocks


async def test_a_cursor_that_is_set_and_one_that_is_gone_are_told(hall: Hall) -> None:
    attached: list[Subscription] = []
    detached: list[Subscription] = []
    hall.manager.on_attached = attached.append
    hall.manager.on_detached = detached.append
    stays, leaves, ends = [await hall.seat("a") for _ in range(3)]
    assert attached == [seat.subscription for seat in (stays, leaves, ends)]
    hall.manager.detach(leaves.connection, "a")
    hall.manager.forget(ends.connection)
    hall.manager.detach(ends.connection, "a")
    assert detached == [leaves.subscription, ends.subscription]


async def test_a_cursor_that_was_not_set_is_not_told(hall: Hall) -> None:
    told: list[Subscription] = []
    seat = await hall.seat("a")
    hall.manager.forget(seat.connection)
    hall.manager.on_attached = told.append
    await hall.follower.acquire("a")
    hall.manager.attach(seat.subscription)
    assert told == []


async def test_a_connection_that_is_blocked_is_told(hall: Hall) -> None:
    blocked: list[object] = []
    hall.manager.on_blocked = blocked.append
    seat = await hall.seat("a")
    seat.pause()
    seat.connection.tell(SIGNAL)
    assert blocked == [seat.connection]


async def test_a_connection_has_the_budget_of_the_settings(
    settings: Settings, log: LogWriter
) -> None:
    limited = settings.model_copy(update={"commands_per_second": 1, "signals_per_second": 3})
    async with hall_of(limited, log) as hall:
        _transport, connection = hall.open()
        assert sum(connection.budget.commands.take() for _ in range(50)) == 6
        assert sum(connection.budget.signals.take() for _ in range(50)) == 3


# ------------------------------------------------------------------------ leaving


async def test_one_can_wait_until_everybody_has_left(hall: Hall) -> None:
    seats = [await hall.seat("a") for _ in range(2)]
    waiting = asyncio.create_task(hall.manager.emptied(60))
    await asyncio.sleep(0)
    for seat in seats:
        assert not waiting.done()
        hall.manager.forget(seat.connection)
    await asyncio.wait_for(waiting, 5)


async def test_one_does_not_wait_for_ever_until_everybody_has_left(hall: Hall) -> None:
    seat = await hall.seat("a")
    await hall.manager.emptied(0.05)
    assert hall.manager.connections == {seat.connection}


async def test_where_nobody_is_there_is_nothing_to_wait_for(hall: Hall) -> None:
    await asyncio.wait_for(hall.manager.emptied(60), 5)


async def test_a_connection_that_was_never_opened_here_is_not_forgotten_twice(hall: Hall) -> None:
    seat = await hall.seat("a")
    user = uuid4()
    hall.manager.identify(seat.connection, user)
    seat.connection.close(CloseCode.SHUTDOWN)
    hall.manager.forget(seat.connection)
    hall.manager.forget(seat.connection)
    assert (hall.manager.connections, hall.manager.of_user(user)) == (set(), [])
