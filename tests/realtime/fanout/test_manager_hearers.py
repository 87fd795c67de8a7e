"""ConnectionManager: who is told what at once, and who is told of the connections themselves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.realtime.fanout.subscription import WITHHELD_MESSAGES, Subscription
from app.realtime.wire.batches import BATCH_BYTES
from app.realtime.wire.codec import JSON, JsonCodec
from app.realtime.wire.codes import CloseCode
from app.realtime.wire.protocol import (
    ClientInfo,
    EmptyResult,
    Push,
    Reply,
    presence_push,
    signal_push,
)
from tests.realtime.halls import Hall, Seat, hall_of
from tests.realtime.log_writer import LogWriter
from tests.realtime.recording import RecordingTransport

SIGNAL = signal_push("a", {"editing": "note"}, ClientInfo(user="7", client="c"))
CHANGES = [
    presence_push("a", "join", ClientInfo(user="7", client=f"client-{nth}")) for nth in range(100)
]

Meant = Callable[[Subscription], bool]


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


def clients(seat: Seat) -> list[str]:
    """Who has come, as far as it was told."""
    return [join["info"]["client"] for join in seat.transport.pushes("a", "join")]


def everybody(_subscription: Subscription) -> bool:
    return True


async def announce(
    hall: Hall, *pushes: Push, meant: Meant = everybody, withhold: bool = False
) -> None:
    """Until it is written."""
    hall.manager.announce("a", pushes, meant, withhold=withhold)
    await asyncio.sleep(0)


# -------------------------------------------------------------------- announcing


async def test_an_announcement_reaches_those_for_whom_it_is_meant(hall: Hall) -> None:
    seats = [await hall.seat("a") for _ in range(3)]
    elsewhere = await hall.seat("b")
    await announce(hall, SIGNAL, meant=lambda one: one is not seats[1].subscription)
    told = [seat.transport.sent for seat in (*seats, elsewhere)]
    assert told == [[JSON.encode(SIGNAL)], [], [JSON.encode(SIGNAL)], []]


async def test_who_cannot_take_an_announcement_now_is_never_told(hall: Hall) -> None:
    slow, quick = await hall.seat("a"), await hall.seat("a")
    slow.pause()
    await announce(hall, SIGNAL)
    slow.drain()
    assert (slow.transport.sent, len(quick.transport.sent)) == ([], 1)


async def test_who_is_suspended_is_told_no_announcement(hall: Hall) -> None:
    seat = await hall.seat("a")
    seat.subscription.suspended = True
    await announce(hall, SIGNAL)
    assert seat.transport.sent == []


async def test_what_is_withheld_from_who_is_suspended_is_told_at_the_end(hall: Hall) -> None:
    seat, other = await hall.seat("a"), await hall.seat("a")
    seat.subscription.suspended = True
    for change in CHANGES[:3]:
        await announce(hall, change, withhold=True)
    assert (clients(seat), len(clients(other))) == ([], 3)
    for _ in range(2):
        hall.manager.resume(seat.subscription)
        await asyncio.sleep(0)
    assert clients(seat) == clients(other)


async def test_who_was_to_be_told_too_much_while_suspended_is_to_ask_anew(hall: Hall) -> None:
    seat = await hall.seat("a")
    seat.subscription.suspended = True
    for _ in range(WITHHELD_MESSAGES + 2):
        await announce(hall, CHANGES[0], withhold=True)
    assert not seat.subscription.withheld
    hall.manager.resume(seat.subscription)
    (unsubscribe,) = seat.transport.pushes("a", "unsubscribe")
    assert unsubscribe["code"] == 2500
    assert clients(seat) == []


async def test_an_announcement_is_encoded_once_for_each_flavour(hall: Hall) -> None:
    codecs = [Counting(), Counting()]
    for codec in codecs * 3:
        connection = hall.manager.open(RecordingTransport(), codec)
        log = await hall.follower.acquire("a")
        hall.manager.attach(Subscription(connection, "a", log, log.head))
    await announce(hall, SIGNAL)
    assert [codec.encoded for codec in codecs] == [1, 1]


async def test_an_announcement_to_nobody_is_nothing(hall: Hall) -> None:
    await announce(hall, SIGNAL)
    assert hall.manager.audience("a") == []


async def test_all_that_is_announced_at_once_is_one_message_for_everybody(hall: Hall) -> None:
    seats = [await hall.seat("a") for _ in range(3)]
    await announce(hall, *CHANGES)
    expected = JSON.join([JSON.encode(change) for change in CHANGES])
    assert [seat.transport.sent for seat in seats] == [[expected]] * 3
    assert len({id(message) for seat in seats for message in seat.transport.messages}) == 1


async def test_what_is_too_much_for_one_message_is_announced_in_several(hall: Hall) -> None:
    seat = await hall.seat("a")
    many = CHANGES * 20
    await announce(hall, *many)
    assert len(seat.transport.pushes("a", "join")) == len(many)
    assert len(seat.transport.sent) > 1
    assert max(map(len, seat.transport.sent)) <= BATCH_BYTES


async def test_announcements_to_many_do_not_hold_up_whoever_makes_them(hall: Hall) -> None:
    seats = [await hall.seat("a") for _ in range(3)]
    for change in CHANGES:
        hall.manager.announce("a", [change], everybody)
    assert [seat.transport.sent for seat in seats] == [[]] * 3
    await asyncio.sleep(0)
    assert [len(seat.transport.sent) for seat in seats] == [1] * 3
    assert clients(seats[0]) == [f"client-{nth}" for nth in range(len(CHANGES))]


async def test_an_announcement_keeps_its_place_between_two_answers(hall: Hall) -> None:
    seat = await hall.seat("a")
    seat.connection.hold()
    seat.connection.tell(Reply(id=1, subscribe=EmptyResult()))
    hall.manager.announce("a", CHANGES, everybody)
    seat.connection.let_go()
    hall.manager.announce("a", CHANGES, everybody)
    seat.connection.tell(Reply(id=2, unsubscribe=EmptyResult()))
    kinds = [document.get("id", "join") for document in seat.transport.documents]
    assert kinds == [1, *["join"] * len(CHANGES), *["join"] * len(CHANGES), 2]


async def test_who_is_disconnected_was_told_what_was_announced_before(hall: Hall) -> None:
    seat = await hall.seat("a")
    hall.manager.announce("a", CHANGES, everybody)
    seat.connection.close(CloseCode.SHUTDOWN)
    await asyncio.sleep(0)
    assert len(clients(seat)) == len(CHANGES)


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
