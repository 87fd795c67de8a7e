"""Other servers where they do for a connection what Tandem does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from load.errors import Exit, LoadError
from load.fleet import Fleet
from load.peer import Running, SignedIn, find_peers
from load.server import own_services
from load.signing import Signing
from load.subject import Subject

SECONDS = 10


def signed_in(name: str) -> SignedIn:
    peer = find_peers()[name]
    if reason := peer.missing():
        pytest.skip(reason)
    assert peer.signed_in
    return peer.signed_in


@asynccontextmanager
async def served(name: str, signing: Signing) -> AsyncIterator[tuple[Running, Redis]]:
    start = signed_in(name).start
    with own_services(postgres=False) as services:
        async with start(services, signing) as running, Redis.from_url(services.redis_url) as redis:
            yield running, redis


def connected(running: Running, connections: int) -> Fleet:
    """Once entered: connected and subscribed."""
    return Fleet(Subject.of_peer(running).job(connections), 1)


async def until_counted(redis: Redis, signing: Signing, count: int) -> None:
    async with asyncio.timeout(SECONDS):
        while int(await redis.get(f"connections:{signing.user}") or 0) != count:  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", ["socketio", "python-socketio", "nats"])
async def test_only_who_signs_in_is_let_in(name: str) -> None:
    async with served(name, Signing()) as (running, _), connected(running, 1):
        stranger = replace(running, token=Signing().token())
        with pytest.raises(LoadError) as caught:
            await connected(stranger, 1).__aenter__()
    assert caught.value.exit_code == Exit.USAGE


@pytest.mark.parametrize("name", ["socketio", "python-socketio"])
async def test_connections_are_counted_up_to_a_limit(name: str) -> None:
    signing = Signing(limit=3)
    async with served(name, signing) as (running, redis):
        async with connected(running, 3):
            await until_counted(redis, signing, 3)
            with pytest.raises(LoadError, match="too many connections"):
                await connected(running, 1).__aenter__()
            await until_counted(redis, signing, 3)
        await until_counted(redis, signing, 0)
