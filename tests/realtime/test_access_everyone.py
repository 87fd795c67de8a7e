"""Everybody's rights are looked up again: all are suspended at once, and checked turn by turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from app.auth.principals import Role
from app.core.config import Settings
from app.realtime.fanout import slices
from app.realtime.wire.codes import CloseCode
from tests.realtime.guarded import Desk, guarding
from tests.realtime.stage import Player
from tests.waiting import until

CROWD = 4


@pytest.fixture
async def desk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A slice of its loop has room for one."""
    monkeypatch.setattr(slices, "SLICE_SECONDS", -1.0)
    async with guarding(settings) as desk:
        yield desk


@pytest.fixture
async def players(desk: Desk) -> AsyncIterator[list[Player]]:
    """Some in a room, none of whose rights can be looked up."""
    async with AsyncExitStack() as stack:
        players = [
            await stack.enter_async_context(desk.connected(desk.somebody())) for _ in range(CROWD)
        ]
        for player in players:
            await player.subscribe("rooms:a")
        desk.rights.may_answer.clear()
        yield players
        desk.rights.may_answer.set()


async def test_all_are_suspended_at_once_and_checked_turn_by_turn(
    desk: Desk, players: list[Player]
) -> None:
    access = desk.runtime.access
    access.check_everyone()
    rooms = [player.connection.subscriptions["rooms:a"] for player in players]
    assert all(room.suspended for room in rooms)
    begun = []
    for _ in range(CROWD):
        begun.append(len(access._checks))
        await asyncio.sleep(0)
    assert begun == [1, 2, 3, 4]
    await desk.say("rooms:a")
    assert [player.offsets("rooms:a") for player in players] == [[]] * CROWD
    desk.rights.may_answer.set()
    for player in players:
        await player.transport.offset("rooms:a", 1)


async def test_a_check_that_is_under_way_does_not_count(desk: Desk) -> None:
    person = desk.somebody()
    async with desk.connected(person) as player:
        await player.subscribe("board")
        desk.rights.may_answer.clear()
        asked = desk.rights.asked
        await desk.control(user_id=person.id)
        await until(lambda: desk.rights.asked > asked)
        desk.rights.roles[person.id] = Role.CUSTOMER
        desk.runtime.access.check_everyone()
        desk.rights.may_answer.set()
        assert (await player.transport.push("board", "unsubscribe"))["code"] == 2000


async def test_who_is_closed_is_not_checked(desk: Desk, players: list[Player]) -> None:
    access = desk.runtime.access
    gone, *others, closes_meanwhile = players
    gone.connection.close(CloseCode.SHUTDOWN)
    access.check_everyone()
    begun = set(access._checks)
    closes_meanwhile.connection.close(CloseCode.SHUTDOWN)
    for _ in range(CROWD):
        await asyncio.sleep(0)
        begun.update(access._checks)
    begun.discard(closes_meanwhile.connection)  # unless it came first
    assert begun == {one.connection for one in others}


async def test_the_end_of_the_worker_begins_no_other_check(
    desk: Desk, players: list[Player]
) -> None:
    access = desk.runtime.access
    access.check_everyone()
    begun = set(access._checks)
    assert len(begun) < len(players)
    await access.aclose()
    await asyncio.sleep(0)
    assert access._checks.keys() <= begun
