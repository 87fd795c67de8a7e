"""CONNECTIONS_PER_USER: how many connections one person may have, on all workers together."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from tests.application import Person
from tests.realtime.stage import Stage, staged
from tests.waiting import POLL_SECONDS

LIMIT = 2


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    async with staged(settings, connections_per_user=LIMIT) as stage:
        yield stage


async def test_one_more_than_the_limit_is_closed_with_3504(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo), stage.connected(cleo):
        with stage.player() as third:
            await third.tell(connect={"token": cleo.token})
            assert third.closed == 3504


async def test_connections_on_another_worker_count(stage: Stage, settings: Settings) -> None:
    cleo = await stage.person("cleo")
    async with (
        staged(settings, connections_per_user=LIMIT) as another,
        stage.connected(cleo),
        another.connected(cleo),
    ):
        with another.player() as third:
            await third.tell(connect={"token": cleo.token})
            assert third.closed == 3504


async def test_others_are_not_concerned(stage: Stage) -> None:
    cleo, omar = await stage.person("cleo"), await stage.person("omar")
    async with stage.connected(cleo), stage.connected(cleo), stage.connected(omar) as other:
        assert other.closed is None


async def test_a_connection_that_is_over_makes_room(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo):
        async with stage.connected(cleo):
            assert not await gets_in(stage, cleo)
        async with asyncio.timeout(5):
            while not await gets_in(stage, cleo):  # noqa: ASYNC110 - Redis has no event for it
                await asyncio.sleep(POLL_SECONDS)


async def gets_in(stage: Stage, person: Person) -> bool:
    with stage.player() as player:
        await player.tell(connect={"token": person.token})
        return player.closed is None
