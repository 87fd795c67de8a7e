"""ConnectionManager: who follows what, what reaches them, and whatever leaves again."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.realtime.fanout.subscription import Subscription
from app.realtime.wire.codes import CloseCode, UnsubscribeCode
from tests.realtime.halls import Hall, hall_of
from tests.realtime.log_writer import LogWriter
from tests.waiting import until


@pytest.fixture
async def hall(settings: Settings, log: LogWriter) -> AsyncIterator[Hall]:
    async with hall_of(settings, log) as hall:
        yield hall


# ----------------------------------------------------------------------- flush


async def test_all_subscribers_are_given_the_same_bytes(hall: Hall) -> None:
    seats = [await hall.seat("a") for _ in range(5)]
    await hall.say("a", 3)
    await until(lambda: all(seat.transport.sent for seat in seats))
    assert len({id(seat.transport.messages[0]) for seat in seats}) == 1
    assert seats[0].offsets == [1, 2, 3]


async def test_news_of_one_turn_of_the_loop_go_out_in_one_message(
    hall: Hall, log: LogWriter
) -> None:
    seat = await hall.seat("a")
    messages = [await log.append("a", count=2) for _ in range(3)]
    for each in messages:
        hall.followed.wire.deliver(each)
    await until(lambda: bool(seat.transport.sent))
    assert len(seat.transport.sent) == 1
    assert seat.offsets == [1, 2, 3, 4, 5, 6]


async def test_only_the_channels_own_subscribers_are_told(hall: Hall) -> None:
    a, b = await hall.seat("a"), await hall.seat("b")
    await hall.say("a")
    await until(lambda: bool(a.transport.sent))
    assert b.transport.sent == []


async def test_a_paused_connection_delays_nobody_and_loses_nothing(hall: Hall) -> None:
    slow, quick = await hall.seat("a"), await hall.seat("a")
    slow.pause()
    for offset in range(1, 6):
        await hall.say("a")
        await until(lambda: quick.offsets[-1:] == [offset])  # noqa: B023 - waited for right here
    assert slow.transport.sent == []
    slow.drain()
    assert slow.offsets == [1, 2, 3, 4, 5]
    assert len(slow.transport.sent) == 1


async def test_a_watcher_is_told_before_anybody_else(hall: Hall) -> None:
    seen: list[int] = []
    hall.manager.watch("a", lambda log: seen.append(log.head))
    seat = await hall.seat("a")
    await hall.say("a", 2)
    assert (seen, seat.transport.sent) == ([2], [])


# ------------------------------------------------------------------------ lost


async def test_a_hole_found_by_the_follower_ends_client_side_and_closes_server_side(
    hall: Hall, log: LogWriter
) -> None:
    client, server = await hall.seat("a"), await hall.seat("a", server_side=True)
    await log.append("a", count=5)
    await log.cut("a", [1, 2])
    await hall.follower.look()
    assert (await client.transport.push("a", "unsubscribe"))["code"] == 2500
    assert await server.transport.until_closed() == (3010, "insufficient state")


# --------------------------------------------------------------------- leaving


async def test_leaving_a_channel_gives_it_up(hall: Hall) -> None:
    seat = await hall.seat("a")
    assert hall.manager.detach(seat.connection, "a")
    assert not hall.manager.detach(seat.connection, "a")
    await until(lambda: hall.followed.wire.subscribed == [])
    await hall.say("a")
    assert seat.transport.sent == []


async def test_a_connection_that_ended_gives_up_all_its_channels_once(hall: Hall) -> None:
    seat = await hall.seat("a")
    other = await hall.seat("a")
    hall.manager.forget(seat.connection)
    hall.manager.forget(seat.connection)
    assert hall.follower._users == {"a": 1}
    assert hall.manager.audience("a") == [other.subscription]
    assert hall.manager.connections == {other.connection}


async def test_a_connection_that_ended_meanwhile_is_not_attached(hall: Hall) -> None:
    seat = await hall.seat("a")
    hall.manager.forget(seat.connection)
    await hall.follower.acquire("a")
    hall.manager.attach(seat.subscription)
    assert hall.manager.audience("a") == []
    await until(lambda: hall.follower._users == {})


async def test_a_connection_that_is_closed_but_not_lost_yet_is_not_attached(hall: Hall) -> None:
    told: list[Subscription] = []
    seat = await hall.seat("a")
    hall.manager.on_attached = told.append
    seat.connection.close(CloseCode.SHUTDOWN)
    await hall.follow(seat.connection, "b", cursor=0)
    assert (hall.manager.audience("b"), told) == ([], [])
    await until(lambda: "b" not in hall.follower._users)
    assert hall.follower._users["a"] == 1


async def test_connections_are_found_by_user_until_they_end(hall: Hall) -> None:
    user = uuid4()
    first, second = await hall.seat("a"), await hall.seat("a")
    for seat in (first, second):
        hall.manager.identify(seat.connection, user)
    assert set(hall.manager.of_user(user)) == {first.connection, second.connection}
    for seat in (first, second):
        hall.manager.forget(seat.connection)
    assert hall.manager.of_user(user) == []
    assert hall.manager._by_user == {}


async def test_ending_a_subscription_tells_the_client_and_nothing_follows(hall: Hall) -> None:
    seat = await hall.seat("a")
    await hall.say("a")
    hall.manager.end(seat.connection, "a", UnsubscribeCode.SERVER)
    hall.manager.end(seat.connection, "a", UnsubscribeCode.SERVER)
    await hall.say("a")
    await asyncio.sleep(0)
    assert [document["push"]["unsubscribe"]["code"] for document in seat.transport.documents] == [
        2000
    ]
    assert seat.transport.closed is None


async def test_ending_for_good_is_told_of_a_server_side_subscription_too(hall: Hall) -> None:
    seat = await hall.seat("a", server_side=True)
    hall.manager.end(seat.connection, "a", UnsubscribeCode.SERVER)
    assert seat.transport.documents[0]["push"]["unsubscribe"]["code"] == 2000


async def test_a_server_side_subscription_that_shall_come_back_closes_instead(hall: Hall) -> None:
    seat = await hall.seat("a", server_side=True)
    hall.manager.end(seat.connection, "a", UnsubscribeCode.INSUFFICIENT_STATE)
    assert seat.transport.closed == (3010, "insufficient state")
    assert seat.transport.sent == []


async def test_another_log_disconnects_everybody(hall: Hall, log: LogWriter) -> None:
    seats = [await hall.seat("a") for _ in range(3)]
    await log.renew_epoch()
    await hall.follower.look()
    assert {seat.transport.closed for seat in seats} == {(3010, "insufficient state")}


async def test_everybody_can_be_disconnected_with_a_code(hall: Hall) -> None:
    seats = [await hall.seat("a") for _ in range(3)]
    hall.manager.disconnect_all(CloseCode.SHUTDOWN)
    assert {seat.transport.closed for seat in seats} == {(3001, "shutdown")}
