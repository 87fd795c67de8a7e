"""A channel that has ended: everybody there is given its last event first, whatever was lost."""

from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from tests.realtime.guarded import Desk, guarding
from tests.realtime.postgres_proxy import PostgresProxy
from tests.realtime.stage import Player
from tests.waiting import until


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    async with guarding(settings) as desk:
        yield desk


def told(player: Player, channel: str) -> list[str]:
    """What the client was told of the channel, by what kind of push."""
    pushes = [document.get("push", {}) for document in player.transport.documents]
    return ["pub" if "pub" in push else "end" for push in pushes if push.get("channel") == channel]


async def test_who_did_not_get_the_last_event_gets_it_before_the_channel_ends(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        await desk.log.append("rooms:a")  # its message is lost
        desk.rooms.gone.add("a")
        await desk.control(channel="rooms:a")
        assert (await player.transport.push("rooms:a", "unsubscribe"))["code"] == 2000
        assert told(player, "rooms:a") == ["pub", "end"]


async def test_while_postgres_is_away_the_channel_waits_for_its_last_event(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        PostgresProxy(settings.database_url) as proxy,
        guarding(settings, by_way_of=proxy.url) as desk,
    ):
        person = desk.somebody()
        async with desk.connected(person) as player:
            await player.subscribe("rooms:a")
            await desk.log.append("rooms:a")  # its message is lost
            await proxy.go_away()
            desk.rooms.gone.add("a")
            await desk.control(channel="rooms:a")
            await until(lambda: "control channel is away" in caplog.messages)
            await proxy.come_back()
            assert (await player.transport.push("rooms:a", "unsubscribe"))["code"] == 2000
            assert told(player, "rooms:a") == ["pub", "end"]
    assert "a background task failed" not in caplog.messages


async def test_who_has_lost_their_rights_meanwhile_is_given_nothing_more(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        PostgresProxy(settings.database_url) as proxy,
        guarding(settings, by_way_of=proxy.url) as desk,
    ):
        person = desk.somebody()
        async with desk.connected(person) as player:
            await player.subscribe("rooms:a")
            await proxy.go_away()
            desk.rooms.gone.add("a")
            await desk.control(channel="rooms:a")
            await until(lambda: "control channel is away" in caplog.messages)
            await desk.control(user_id=person.id)
            await desk.say("rooms:a")
            assert (await player.transport.push("rooms:a", "unsubscribe"))["code"] == 2000
            assert told(player, "rooms:a") == ["end"]
