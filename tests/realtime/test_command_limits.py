"""Commands that find no answer in time: a temporary error, before SDKs give up."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from app.core.config import Settings
from app.realtime.time_limit import TimeLimit
from tests.realtime.guarded import Desk, guarding
from tests.realtime.stage import Player

SECONDS = 0.2
PATIENCE = 5.0
ROOM = "rooms:a"


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    """Its commands have little time."""
    async with guarding(settings) as desk:
        runtime = desk.runtime
        runtime.stations = replace(runtime.stations, time_limit=TimeLimit(SECONDS))
        yield desk


@pytest.fixture
async def player(desk: Desk) -> AsyncIterator[Player]:
    async with desk.connected(desk.somebody()) as player:
        yield player


async def told(player: Player, **command: Any) -> Any:
    """The error that a command is answered with."""
    async with asyncio.timeout(PATIENCE):
        return (await player.ask(**command))["error"]


@pytest.mark.parametrize(
    "command",
    [
        {"subscribe": {"channel": ROOM}},
        {"publish": {"channel": ROOM, "data": {}}},
        {"history": {"channel": ROOM, "limit": 1}},
        {"presence": {"channel": ROOM}},
    ],
    ids=lambda command: next(iter(command)),
)
async def test_a_right_that_nobody_can_tell_is_a_temporary_error(
    desk: Desk, player: Player, command: Any
) -> None:
    desk.rooms.may_answer.clear()
    error = await told(player, **command)
    assert (error["code"], error["temporary"]) == (100, True)
    assert player.closed is None
