"""Workers die under load; every committed write still reaches every socket once, and soon."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import asyncpg
import pytest
from httpx import AsyncClient

from app.core.config import Settings
from app.core.locks import RELAY_LOCK
from app.realtime.log.numbering import LOCK
from tests.end_to_end.evidence import assert_complete, committed_orders
from tests.end_to_end.orders import token_of, until_more, writing
from tests.end_to_end.server import ServerProcess, serving
from tests.end_to_end.subscriber import Subscriber, running
from tests.waiting import POLL_SECONDS, until

pytestmark = pytest.mark.timed

KILLS = 100 if os.environ.get("PROOF") else 4
RELAY_POINTS = ["lock", "locked", "committed", "published", "unlocked"]
SUBSCRIBERS = 10
WITHIN_SECONDS = 2.0
WAITS = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                   AND objid::bigint = $1 AND database =
                       (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


async def test_random_kills_lose_and_repeat_nothing(
    settings: Settings, people: dict[str, str], http: AsyncClient, tmp_path: Path
) -> None:
    async with load_on(settings, people, http, tmp_path) as (server, _placed):
        for seed in range(KILLS):
            chance = random.Random(seed)
            await asyncio.sleep(chance.uniform(0.2, 1.0))  # the moment is what is random here
            await kill_and_wait(server, chance.randrange(2))


async def test_a_worker_killed_at_each_await_of_the_relay_loses_and_repeats_nothing(
    settings: Settings, people: dict[str, str], http: AsyncClient, tmp_path: Path
) -> None:
    armed = {point: tmp_path / point for point in RELAY_POINTS}
    failpoints = ",".join(f"relay.{point}=kill@{file}" for point, file in armed.items())
    async with load_on(settings, people, http, tmp_path, failpoints) as (server, placed):
        for point, file in armed.items():
            before = server.ready_workers
            async with busy_lock(settings) if point == "locked" else nullcontext():
                file.touch()
            await died_of(file, server, before)
            await until_more(placed, 20)


@asynccontextmanager
async def load_on(
    settings: Settings,
    people: dict[str, str],
    http: AsyncClient,
    tmp_path: Path,
    failpoints: str = "",
) -> AsyncIterator[tuple[ServerProcess, list[str]]]:
    """Two workers, subscribers on both and busy writers around the block; checked at its end."""
    async with serving(
        settings.database_url, settings.redis_url, tmp_path, workers=2, TANDEM_FAILPOINTS=failpoints
    ) as server:
        token = await token_of(http, server.url, people["staff"])
        subscribers = [Subscriber(server.socket_url, token, "orders") for _ in range(SUBSCRIBERS)]
        placed: list[str] = []
        async with running(subscribers):
            async with writing(http, server.url, token, placed):
                await until_more(placed, 10)
                yield server, placed
            await assert_complete(subscribers, settings.database_url, within=WITHIN_SECONDS)
        assert set(placed) <= set(await committed_orders(settings.database_url))


async def kill_and_wait(server: ServerProcess, index: int) -> None:
    """SIGKILL one worker, then wait until its successor serves: one of two is always there."""
    before = server.ready_workers
    server.kill_worker(index)
    await until(lambda: replaced(server, before))


@asynccontextmanager
async def busy_lock(settings: Settings) -> AsyncIterator[None]:
    """The relay's lock is somebody else's until a relay waits for it and the block has ended.

    Two relays meet by chance only as often as their turns are long.
    """
    holder = await asyncpg.connect(settings.database_url)
    try:
        await holder.execute(LOCK)
        yield
        async with asyncio.timeout(15):
            while not await holder.fetchval(WAITS, RELAY_LOCK):  # noqa: ASYNC110 - in Postgres
                await asyncio.sleep(POLL_SECONDS)
    finally:
        await holder.close()


async def died_of(failpoint: Path, server: ServerProcess, before: set[int]) -> None:
    """Wait until one of those workers died of an armed point and its successor serves."""
    await until(lambda: not failpoint.exists())
    await until(lambda: replaced(server, before))


def replaced(server: ServerProcess, before: set[int]) -> bool:
    """As many workers serve as before, and not all of them are the same."""
    ready = server.ready_workers
    return len(ready) == len(before) != len(ready & before)
