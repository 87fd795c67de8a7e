"""Rights that end while a client's `history` or `presence` is being read."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.auth.principals import Role
from app.core.config import Settings
from tests.realtime.flushes import turn
from tests.realtime.guarded import Desk, guarding
from tests.realtime.log_writer import writing
from tests.realtime.stage import Player

ROOM = "rooms:a"
HELD = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'events'::regclass)"


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    async with guarding(settings) as desk:
        yield desk


async def loss(desk: Desk, **concerned: Any) -> Callable[[], None]:
    """To be called when the rights end: the worker learns of it in that moment."""
    payload = json.dumps({"at": "2026-01-01T00:00:00Z", **concerned})
    (message,) = await desk.log.append("$control", payload=payload)
    return lambda: desk.runtime.follower.deliver(message)


@asynccontextmanager
async def held_up(desk: Desk) -> AsyncIterator[None]:
    """Meanwhile Postgres gives no events away."""
    async with writing(desk.settings.database_url) as other:
        transaction = other.connection.transaction()
        await transaction.start()
        await other.connection.execute("LOCK TABLE events")
        try:
            yield
        finally:
            await transaction.rollback()


async def history_during(
    desk: Desk, player: Player, channel: str, happen: Callable[[], None]
) -> None:
    """Ask for events, and have something happen while they are read."""
    async with held_up(desk):
        reading = asyncio.create_task(player.tell(history={"channel": channel, "limit": 9}))
        await desk.log.until(HELD)
        happen()
    await reading


async def test_history_of_a_channel_that_ends_meanwhile_is_refused(desk: Desk) -> None:
    await desk.log.append(ROOM, count=3)
    tell = await loss(desk, channel=ROOM)

    def end() -> None:
        desk.rooms.gone.add("a")
        tell()

    async with desk.connected(desk.somebody()) as player:
        await history_during(desk, player, ROOM, end)
        assert player.transport.documents[-1]["error"]["code"] == 103


async def test_history_is_refused_to_who_loses_their_role_meanwhile(desk: Desk) -> None:
    await desk.log.append("board", count=3)
    person = desk.somebody()
    tell = await loss(desk, user_id=str(person.id))

    def end() -> None:
        desk.rights.roles[person.id] = Role.CUSTOMER
        tell()

    async with desk.connected(person) as player:
        await history_during(desk, player, "board", end)
        assert player.transport.documents[-1]["error"]["code"] == 103


async def test_history_of_somebody_deactivated_meanwhile_closes(desk: Desk) -> None:
    await desk.log.append(ROOM, count=3)
    person = desk.somebody()
    tell = await loss(desk, user_id=str(person.id))

    def end() -> None:
        del desk.rights.roles[person.id]
        tell()

    async with desk.connected(person) as player:
        await history_during(desk, player, ROOM, end)
        assert player.closed == 3503
        assert "history" not in str(player.transport.documents)


async def test_history_is_told_to_who_keeps_the_right(desk: Desk) -> None:
    await desk.log.append(ROOM, count=3)
    person = desk.somebody()
    tell = await loss(desk, user_id=str(person.id))
    async with desk.connected(person) as player:
        await history_during(desk, player, ROOM, tell)
        told = player.transport.documents[-1]["history"]["publications"]
        assert [pub["offset"] for pub in told] == [1, 2, 3]


@pytest.mark.parametrize("command", ["presence", "presence_stats"])
async def test_presence_in_a_channel_that_ends_meanwhile_is_refused(
    desk: Desk, command: str
) -> None:
    desk.rooms.presence = True
    presence = desk.runtime.presence
    tell = await loss(desk, channel=ROOM)
    async with desk.connected(desk.somebody()) as player:
        reading = asyncio.create_task(player.ask(**{command: {"channel": ROOM}}))
        while ROOM not in presence._asked:
            await turn()
        desk.rooms.gone.add("a")
        tell()
        assert (await reading)["error"]["code"] == 103
