"""A channel that has ended: everybody there is given its last event first, whatever was lost."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from tests.realtime.guarded import Desk, guarding
from tests.realtime.log_reads import log_reads
from tests.realtime.server_proxy import ServerProxy
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


async def test_the_look_for_a_last_event_is_counted_as_a_read_to_repair(desk: Desk) -> None:
    await until(lambda: desk.runtime.broker.up)
    async with desk.connected(desk.somebody()) as player:
        await player.subscribe("rooms:a")
        before = log_reads()
        desk.rooms.gone.add("a")
        await desk.control(channel="rooms:a")
        await player.transport.push("rooms:a", "unsubscribe")
        assert log_reads() - before == Counter(repair=1)


@pytest.mark.parametrize("ring_events", [10_000, 3])
async def test_a_slow_client_gets_all_that_is_left_before_the_channel_ends(
    settings: Settings, ring_events: int
) -> None:
    async with guarding(settings.model_copy(update={"ring_events": ring_events})) as desk:
        person, other = desk.somebody(), desk.somebody()
        async with desk.connected(person) as slow, desk.connected(other) as quick:
            await slow.subscribe("rooms:a")
            await quick.subscribe("rooms:a")
            slow.transport.writable = False
            for _ in range(10):
                await desk.say("rooms:a")
            desk.rooms.gone.add("a")
            await desk.control(channel="rooms:a")
            assert (await quick.transport.push("rooms:a", "unsubscribe"))["code"] == 2000
            assert told(slow, "rooms:a") == []
            slow.transport.writable = True
            slow.connection.pump()
            assert (await slow.transport.push("rooms:a", "unsubscribe"))["code"] == 2000
            assert told(slow, "rooms:a") == ["pub"] * 10 + ["end"]


async def test_a_slow_client_who_loses_their_rights_meanwhile_is_cut_off_at_once(
    desk: Desk,
) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        player.transport.writable = False
        await desk.say("rooms:a")
        desk.rooms.gone.add("a")
        await desk.control(channel="rooms:a")
        await desk.control(user_id=person.id)
        await until(lambda: "rooms:a" not in player.connection.subscriptions)
        player.transport.writable = True
        player.connection.pump()
        assert told(player, "rooms:a") == ["end"]


async def test_a_slow_client_who_leaves_is_waited_for_no_longer(desk: Desk) -> None:
    person, access = desk.somebody(), desk.runtime.access
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        player.transport.writable = False
        await desk.say("rooms:a")
        await desk.control(channel="rooms:a")
        await until(lambda: not access._unsure)
        assert len(access._ending) == 1
    await until(lambda: not access._ending)


async def test_the_end_of_one_channel_does_not_come_before_the_last_event_of_another(
    desk: Desk,
) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("rooms:a")
        await player.subscribe("rooms:b")
        desk.rooms.gone |= {"a", "b"}
        await desk.control(channel="rooms:a")
        await player.transport.push("rooms:a", "unsubscribe")
        await desk.say("rooms:b")
        await desk.control(channel="rooms:b")
        await player.transport.push("rooms:b", "unsubscribe")
        assert told(player, "rooms:b") == ["pub", "end"]


async def test_while_postgres_is_away_the_channel_waits_for_its_last_event(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        ServerProxy(settings.database_url) as proxy,
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
        ServerProxy(settings.database_url) as proxy,
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
