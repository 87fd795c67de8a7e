"""Rights that change while something else is under way: each moment held still and looked at."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.auth.principals import Role
from app.core.config import Settings
from app.realtime.channels import ENDINGS
from app.realtime.wire.protocol import ClientInfo, presence_push
from tests.realtime.guarded import Desk, guarding
from tests.realtime.stage import Player
from tests.waiting import until


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    async with guarding(settings) as desk:
        yield desk


def is_live(player: Player, channel: str) -> bool:
    subscription = player.connection.subscriptions.get(channel)
    return subscription is not None and not subscription.suspended


async def test_nothing_is_sent_while_rights_are_looked_up(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("board")
        desk.rights.may_answer.clear()
        await desk.change(person, Role.CUSTOMER)
        await desk.say("board")
        desk.rights.may_answer.set()
        await player.transport.push("board", "unsubscribe")
        assert player.offsets("board") == []


async def test_what_is_still_allowed_goes_on_where_it_stood(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        desk.rights.may_answer.clear()
        await desk.change(person, Role.CUSTOMER)
        await desk.say("rooms:a")
        desk.rights.may_answer.set()
        await player.transport.offset("rooms:a", 1)
        await desk.say("rooms:a")
        await player.transport.offset("rooms:a", 2)
        assert player.offsets("rooms:a") == [1, 2]


async def leave(desk: Desk, room: str) -> None:
    """Somebody leaves the room, while nobody's rights can be looked up."""
    push = presence_push(room, "leave", ClientInfo(user="7", client="c"))
    desk.runtime.manager.announce(room, [push], lambda _one: True, withhold=True)
    await asyncio.sleep(0)


async def test_who_left_while_rights_were_looked_up_is_told_afterwards(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        desk.rights.may_answer.clear()
        await desk.control(user_id=person.id)
        await leave(desk, "rooms:a")
        assert player.transport.pushes("rooms:a", "leave") == []
        desk.rights.may_answer.set()
        assert (await player.transport.push("rooms:a", "leave"))["info"]["client"] == "c"


async def test_who_may_not_stay_is_not_told_who_left_meanwhile(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        desk.rights.may_answer.clear()
        desk.rooms.gone.add("a")
        await desk.control(user_id=person.id)
        await leave(desk, "rooms:a")
        desk.rights.may_answer.set()
        await player.transport.push("rooms:a", "unsubscribe")
        await until(lambda: is_live(player, f"users:{person.id}"))
        await asyncio.sleep(0)
        assert player.transport.pushes("rooms:a", "leave") == []


async def test_a_subscribe_before_the_new_rights_are_known_is_refused(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player, desk.connected(desk.somebody()) as next_one:
        desk.rights.may_answer.clear()
        await desk.change(person, Role.CUSTOMER)
        subscribing = asyncio.create_task(player.subscribe("board"))
        await asyncio.sleep(0)  # it has begun
        assert "epoch" in await next_one.subscribe("board")
        assert not subscribing.done()
        desk.rights.may_answer.set()
        assert (await subscribing)["code"] == 103
        assert "board" not in player.connection.subscriptions


async def test_a_subscribe_during_which_rights_end_is_refused(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        desk.rooms.may_answer.clear()
        subscribing = asyncio.create_task(player.subscribe("rooms:a"))
        await desk.rooms.asked.wait()
        desk.rooms.gone.add("a")
        await desk.control(channel="rooms:a")
        desk.rooms.may_answer.set()
        assert (await subscribing)["code"] == 103


async def test_a_subscribe_during_which_another_channel_ends_is_decided_once(desk: Desk) -> None:
    """Or whoever deletes order after order would let nobody in."""
    slot = hash("rooms:a") % ENDINGS
    other = next(name for name in "bcd" if hash(f"rooms:{name}") % ENDINGS != slot)
    async with desk.connected(desk.somebody()) as player:
        desk.rooms.may_answer.clear()
        subscribing = asyncio.create_task(player.subscribe("rooms:a"))
        await desk.rooms.asked.wait()
        await desk.control(channel=f"rooms:{other}")
        desk.rooms.may_answer.set()
        assert "code" not in await subscribing
        assert desk.rooms.times_asked == 1


async def test_a_subscribe_of_somebody_deactivated_meanwhile_closes(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        desk.rooms.may_answer.clear()
        subscribing = asyncio.create_task(player.tell(subscribe={"channel": "rooms:a"}))
        await desk.rooms.asked.wait()
        await desk.change(person, None)
        desk.rooms.may_answer.set()
        assert (await player.transport.until_closed())[0] == 3503
        await subscribing


async def test_a_connect_during_which_rights_end_is_refused(desk: Desk) -> None:
    person = desk.somebody()
    with desk.player() as player:
        desk.rights.may_answer.clear()
        connecting = asyncio.create_task(player.tell(connect={"token": desk.token(person)}))
        await until(lambda: desk.rights.asked == 1)
        await desk.change(person, None)
        desk.rights.may_answer.set()
        assert (await player.transport.until_closed())[0] == 3500
        await connecting
        assert player.transport.sent == []


async def test_a_refresh_during_which_its_session_ends_is_refused(desk: Desk) -> None:
    person, other = desk.somebody(), uuid4()
    async with desk.connected(person) as player:
        desk.rights.may_answer.clear()
        token = desk.token(person, other)
        refreshing = asyncio.create_task(player.tell(refresh={"token": token}))
        await until(lambda: desk.rights.asked == 2)
        desk.rights.ended.add(other)
        await desk.control(user_id=person.id)
        desk.rights.may_answer.set()
        assert (await player.transport.until_closed())[0] == 3500
        await refreshing


async def test_a_check_does_not_undo_a_refresh_to_another_session(desk: Desk) -> None:
    person, other = desk.somebody(), uuid4()
    async with desk.connected(person) as player:
        desk.rights.may_answer.clear()
        await desk.control(user_id=person.id)
        await until(lambda: desk.rights.asked == 2)
        refreshing = asyncio.create_task(player.ask(refresh={"token": desk.token(person, other)}))
        await until(lambda: desk.rights.asked == 3)
        desk.rights.may_answer.set()
        assert "refresh" in await refreshing
        await until(lambda: is_live(player, f"users:{person.id}"))
        assert player.connection.identity is not None
        assert player.connection.identity.principal.session_id == other


async def test_a_change_at_the_very_end_of_a_check_is_checked_again(desk: Desk) -> None:
    for hops in range(14):  # one of these moments is between the check's end and its callbacks
        person, room = desk.somebody(), f"rooms:{hops}"
        async with desk.connected(person) as player:
            await player.subscribe(room)
            desk.rights.may_answer.clear()
            asked = desk.rights.asked
            await desk.control(user_id=person.id)
            await until(lambda: desk.rights.asked > asked)  # noqa: B023 - waited for right here
            again = {"at": "2026-01-01T00:00:00Z", "user_id": str(person.id)}
            messages = await desk.log.append("$control", payload=json.dumps(again))
            desk.rights.may_answer.set()
            for _ in range(hops):
                await asyncio.sleep(0)
            desk.runtime.follower.deliver(messages[0])
            await until(lambda: is_live(player, room))  # noqa: B023 - as above
            await desk.say(room)
            await player.transport.offset(room, 1)


async def test_a_check_that_fails_is_made_again_until_it_is_done(desk: Desk) -> None:
    for error in (
        ConnectionRefusedError(),
        PoolTimeoutError("the pool is busy"),
        OperationalError("SELECT", {}, Exception("gone")),
        RuntimeError("a bug"),
    ):
        person = desk.somebody()
        async with desk.connected(person) as player:
            await player.subscribe("board")
            desk.rights.errors.append(error)
            await desk.change(person, Role.CUSTOMER)
            assert (await player.transport.push("board", "unsubscribe"))["code"] == 2000
            assert is_live(player, f"users:{person.id}")


async def test_a_check_that_is_made_again_spares_who_has_been_let_in_meanwhile(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("board")
        await player.subscribe("rooms:b")
        desk.rooms.failing.add("b")
        await desk.change(person, Role.CUSTOMER)
        await player.transport.push("board", "unsubscribe")
        await desk.change(person, Role.STAFF)
        assert "epoch" in await player.subscribe("board")
        desk.rooms.failing.clear()
        await until(lambda: is_live(player, "rooms:b"))
        assert is_live(player, "board")


async def test_all_channels_of_a_connection_are_asked_about_together(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        for name in "abcd":
            await player.subscribe(f"rooms:{name}")
        desk.rooms.gone.update("bd")
        desk.rooms.times_asked = 0
        await desk.control(user_id=person.id)
        for name in "bd":
            await player.transport.push(f"rooms:{name}", "unsubscribe")
        await until(lambda: is_live(player, "rooms:a") and is_live(player, "rooms:c"))
        assert desk.rooms.times_asked == 1


async def test_an_unreadable_control_event_makes_everybody_be_checked(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("board")
        desk.rights.roles[person.id] = Role.CUSTOMER
        await desk.say("$control", '{"user_id": 7}')
        assert (await player.transport.push("board", "unsubscribe"))["code"] == 2000


async def test_after_a_hole_in_the_control_log_everybody_is_checked(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("board")
        desk.rights.roles[person.id] = Role.CUSTOMER
        await desk.log.append("$control", count=3, payload="{}")
        await desk.log.cut("$control", [1, 2])
        await desk.runtime.follower.look()
        assert (await player.transport.push("board", "unsubscribe"))["code"] == 2000
        await until(lambda: desk.runtime.access._log is not None)
        await desk.change(person, None)
        assert (await player.transport.until_closed())[0] == 3503


async def test_control_is_followed_again_after_the_log_was_renewed(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await desk.log.renew_epoch()
        await desk.runtime.follower.look()
        assert player.closed == 3010
    await until(lambda: desk.runtime.follower._logs.keys() >= {"$control"})
    await until(lambda: desk.runtime.follower._logs["$control"].started)
    async with desk.connected(person) as player:
        await until(lambda: desk.runtime.access._log is desk.runtime.follower._logs["$control"])
        await desk.change(person, None)
        assert (await player.transport.until_closed())[0] == 3503
