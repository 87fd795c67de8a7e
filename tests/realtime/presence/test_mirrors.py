"""Mirrors: which channels are read anew, whatever happens while that is under way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.embedded import Services
from app.realtime.log.broker import Broker
from app.realtime.presence.lease_store import Found, LeaseStore
from app.realtime.presence.leases import Leases
from app.realtime.presence.mirrors import Mirrors
from tests.realtime.presences import quick_settings

ROOM = "room"


class HeldStore(LeaseStore):
    """Its readings wait for `may_answer`, and are counted."""

    def __init__(self, settings: Settings, broker: Broker) -> None:
        super().__init__(broker.redis, settings.lease_seconds, settings.redis_timeout_seconds)
        self.may_answer = asyncio.Event()
        self.asked = asyncio.Event()
        self.reads = 0

    async def read(self, prefix: str, channels: Sequence[str]) -> tuple[bool, list[Found]]:
        self.reads += 1
        found = await super().read(prefix, channels)
        self.asked.set()
        await self.may_answer.wait()
        return found


@pytest.fixture
async def leases(services: Services) -> AsyncIterator[Leases]:
    settings = quick_settings(services.redis_url)
    broker = Broker(settings.redis_url, settings.redis_timeout_seconds)
    broker.set_epoch(uuid4().hex)
    leases = Leases(settings, broker)
    leases.store = HeldStore(settings, broker)
    try:
        yield leases
    finally:
        await broker.aclose()


async def test_a_channel_that_is_watched_again_during_a_reading_is_read_once_more(
    leases: Leases,
) -> None:
    mirrors, store = Mirrors(leases), leases.store
    assert isinstance(store, HeldStore)
    mirrors.watch(ROOM)
    correcting = asyncio.create_task(mirrors.correct())
    await store.asked.wait()
    mirrors.unwatch(ROOM)
    mirrors.watch(ROOM)
    store.may_answer.set()
    await correcting
    assert mirrors.told(ROOM) is None  # as yet nothing was read for the new watcher
    await mirrors.correct()
    assert mirrors.told(ROOM) == {}
    assert store.reads == 2


async def test_what_was_read_is_not_read_again(leases: Leases) -> None:
    mirrors, store = Mirrors(leases), leases.store
    assert isinstance(store, HeldStore)
    store.may_answer.set()
    mirrors.watch(ROOM)
    for _ in range(3):
        await mirrors.correct()
    assert (mirrors.told(ROOM), store.reads) == ({}, 1)
