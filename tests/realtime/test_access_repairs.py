"""Rights whose change was not heard, but read from the log together with what came after it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from app.auth.principals import Role
from app.core.config import Settings
from app.realtime.log.reader import PIECE_EVENTS
from app.realtime.outbox import ControlEvent
from tests.realtime.guarded import Desk, guarding, starting
from tests.realtime.log_writer import LogWriter
from tests.realtime.server_proxy import ServerProxy
from tests.realtime.stage import staged

RELAYED = "SELECT NOT EXISTS (SELECT FROM pending)"


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    async with guarding(settings) as desk:
        yield desk


async def lose_control(desk: Desk, *, count: int = 1, **whose: UUID | str) -> None:
    """Changes of rights of which this worker does not hear."""
    event = ControlEvent.model_validate({"at": datetime.now(UTC), **whose})
    await desk.log.append("$control", count=count, payload=event.model_dump_json())


async def test_without_redis_an_unshared_person_is_given_nothing_that_came_after(
    settings: Settings, log: LogWriter
) -> None:
    away = {"redis_url": "redis://127.0.0.1:1", "look_seconds_alone": 60}
    async with staged(settings, **away) as stage:
        cleo, omar = await stage.person("cleo"), await stage.person("omar")
        channel = await stage.place(cleo)
        await stage.share(cleo, channel, omar)
        await log.until(RELAYED)
        async with stage.connected(omar) as player:
            await player.subscribe(channel)
            await stage.unshare(cleo, channel, omar)
            await stage.note(cleo, channel, "without Omar")
            await log.until(RELAYED)
            await stage.runtime.follower.look()

            assert (await player.transport.push(channel, "unsubscribe"))["code"] == 2000
            await player.transport.offset(f"users:{omar.id}", 2)
            assert player.offsets(channel) == []
            assert "without Omar" not in json.dumps(player.transport.documents)


async def test_a_hole_that_a_message_shows_is_not_filled_before_rights_are_looked_up(
    desk: Desk,
) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        desk.rooms.gone.add("a")
        await lose_control(desk, user_id=person.id)
        await desk.log.append("rooms:a")
        await desk.say("rooms:a")
        assert (await player.transport.push("rooms:a", "unsubscribe"))["code"] == 2000
        assert player.offsets("rooms:a") == []


async def test_of_many_changes_all_are_known_before_what_came_after_them(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        desk.rooms.gone.add("a")
        await lose_control(desk, count=PIECE_EVENTS, user_id=uuid4())
        await lose_control(desk, user_id=person.id)
        await desk.log.append("rooms:a")
        await desk.runtime.follower.look()
        assert (await player.transport.push("rooms:a", "unsubscribe"))["code"] == 2000
        assert player.offsets("rooms:a") == []


async def test_what_is_still_allowed_is_given_all_that_the_repair_found(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        await desk.log.append("rooms:a")
        await lose_control(desk, user_id=person.id)
        await desk.log.append("rooms:a", f"users:{person.id}")
        await desk.runtime.follower.look()
        await player.transport.offset("rooms:a", 2)
        await player.transport.offset(f"users:{person.id}", 1)
        assert player.offsets("rooms:a") == [1, 2]


async def test_a_channel_that_was_far_behind_ends_after_its_last_event(desk: Desk) -> None:
    person, last = desk.somebody(), PIECE_EVENTS + 100
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        await desk.log.append("rooms:a", count=last)
        desk.rooms.gone.add("a")
        await lose_control(desk, channel="rooms:a")
        await desk.runtime.follower.look()
        assert (await player.transport.push("rooms:a", "unsubscribe"))["code"] == 2000
        assert player.offsets("rooms:a")[-1] == last


async def test_rights_are_read_along_even_where_their_own_log_has_a_hole(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        desk.rooms.gone.add("a")
        await lose_control(desk, count=2, user_id=person.id)
        await desk.log.cut("$control", [1])
        await desk.log.append("rooms:a")
        await desk.say("rooms:a")
        assert (await player.transport.push("rooms:a", "unsubscribe"))["code"] == 2000
        assert player.offsets("rooms:a") == []


async def test_who_was_known_before_control_is_followed_is_looked_up_again(
    settings: Settings,
) -> None:
    async with ServerProxy(settings.database_url) as proxy:
        await proxy.go_away()
        async with starting(settings, by_way_of=proxy.url) as desk:
            person, principals = desk.somebody(), desk.runtime.stations.principals
            before = await principals.get(person.id, person.session)
            await desk.change(person, Role.CUSTOMER)
            await proxy.come_back()
            assert await desk.runtime.wait_ready(5)
            after = await principals.get(person.id, person.session)
    assert before is not None
    assert after is not None
    assert (before.role, after.role) == (Role.STAFF, Role.CUSTOMER)
