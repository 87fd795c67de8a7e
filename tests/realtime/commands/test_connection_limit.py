"""CONNECTIONS_PER_USER: how many connections one person may have, on all workers together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.core.config import Settings
from app.realtime.time_limit import TimeLimit
from tests.application import Person
from tests.realtime.presences import PATIENCE_SECONDS, eventually
from tests.realtime.stage import Stage, staged
from tests.waiting import until

LIMIT = 2


@asynccontextmanager
async def limiting(settings: Settings) -> AsyncIterator[Stage]:
    """Its counts are Redis': it is patient, and its lease has begun."""
    async with staged(settings, connections_per_user=LIMIT) as stage:
        counts = stage.runtime.counts
        counts.patience = TimeLimit(PATIENCE_SECONDS)
        await until(lambda: counts._leases.lease is not None)
        yield stage


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    async with limiting(settings) as stage:
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
        limiting(settings) as another,
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
        await eventually(lambda: gets_in(stage, cleo))


async def gets_in(stage: Stage, person: Person) -> bool:
    with stage.player() as player:
        await player.tell(connect={"token": person.token})
        return player.closed is None
