"""Leases: while clients come in crowds their entries gather for a moment before each write."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from app.embedded import Services
from app.realtime.presence.leases import GATHER_SECONDS, Leases
from tests.realtime.presences import clustered, quick_settings


@pytest.fixture
async def leases(services: Services) -> AsyncIterator[Leases]:
    """With a lease; its steps are taken by the test."""
    async with clustered(quick_settings(services.redis_url), uuid4().hex) as cluster:
        leases = cluster.idle_worker().leases
        await leases.keep()
        yield leases


async def rested(leases: Leases, *clients: str) -> float:
    """How long the rest was that followed a write of these, though another came at once."""
    for client in clients:
        leases.entries.put("group", client)
    await leases.rest()
    await leases.write()
    leases.entries.put("group", "another")
    begun = asyncio.get_running_loop().time()
    await leases.rest()
    return asyncio.get_running_loop().time() - begun


async def test_after_a_crowd_the_next_write_waits_for_who_comes_meanwhile(leases: Leases) -> None:
    assert await rested(leases, "one", "two") >= GATHER_SECONDS


async def test_who_comes_alone_does_not_wait(leases: Leases) -> None:
    assert min([await rested(leases, "one") for _ in range(5)]) < GATHER_SECONDS
