"""Redis hangs under load: sockets stay, events go on over Postgres, and it heals by itself."""

import asyncio
import logging
import os
import signal
import time
from pathlib import Path

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from app.core.config import Settings
from tests.end_to_end.evidence import assert_complete
from tests.end_to_end.figures import form
from tests.end_to_end.orders import token_of, until_more, writing
from tests.end_to_end.server import serving
from tests.end_to_end.subscriber import Received, Subscriber, running
from tests.waiting import until

pytestmark = pytest.mark.timed

logger = logging.getLogger(__name__)

FROZEN_SECONDS = form(4.0, 10.0)
SETTLED_SECONDS = 5.0
BASE_SECONDS = 4.0
SUBSCRIBERS = 10


@pytest.fixture
async def redis_pid(settings: Settings) -> int:
    """The process id of the Valkey of this run."""
    redis = Redis.from_url(settings.redis_url)
    info = await redis.info("server")
    await redis.aclose()
    return int(info["process_id"])


async def test_a_frozen_redis_delays_little_and_loses_nothing(
    settings: Settings,
    people: dict[str, str],
    http: AsyncClient,
    tmp_path: Path,
    redis_pid: int,
) -> None:
    async with serving(settings.database_url, settings.redis_url, tmp_path, workers=2) as server:
        token = await token_of(http, server.url, people["staff"])
        subscribers = [Subscriber(server.socket_url, token, "orders") for _ in range(SUBSCRIBERS)]
        placed: list[str] = []
        async with running(subscribers):
            async with writing(http, server.url, token, placed):
                await until_more(placed, 20)
                begun = time.time()
                await asyncio.sleep(BASE_SECONDS)  # what is measured is this stretch of time
                frozen = time.time()
                await freeze(redis_pid, FROZEN_SECONDS)
                thawed = time.time()
                await asyncio.sleep(SETTLED_SECONDS)
                settled = time.time()
                await asyncio.sleep(BASE_SECONDS)
            await assert_complete(subscribers, settings.database_url, within=2.0)

        before = delays_between(subscribers, begun, frozen)
        during = delays_between(subscribers, frozen, thawed)
        after = delays_between(subscribers, settled, settled + BASE_SECONDS)
        logger.info(
            "p99 before %.3f, during %.3f, after %.3f s", *map(p99, (before, during, after))
        )
        assert all(one.drops == 0 for one in subscribers)
        assert p99(during) < 1.0
        assert max(during) < 2.0
        assert typical(after) <= 2 * max(typical(before), 0.01)


async def test_readiness_tells_of_a_hanging_redis_and_of_its_return(
    settings: Settings, http: AsyncClient, tmp_path: Path, redis_pid: int
) -> None:
    async with serving(settings.database_url, settings.redis_url, tmp_path) as server:
        seen: list[str] = []

        async def watch() -> None:
            while True:
                seen.append((await http.get(f"{server.url}/ready")).json()["status"])

        watching = asyncio.create_task(watch())
        try:
            await until(lambda: seen[-1:] == ["ok"])
            os.kill(redis_pid, signal.SIGSTOP)
            try:
                await until(lambda: seen[-1:] == ["degraded"])
            finally:
                os.kill(redis_pid, signal.SIGCONT)
            await until(lambda: seen[-1:] == ["ok"])
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def freeze(pid: int, seconds: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)  # for how long it hangs is what the test is about
    finally:
        os.kill(pid, signal.SIGCONT)


def delays_between(subscribers: list[Subscriber], start: float, end: float) -> list[float]:
    """Delays of the events that were recorded in this stretch of time."""
    return sorted(
        delay
        for one in subscribers
        for received, delay in zip(one.received, one.delays, strict=True)
        if start <= _recorded_at(received, delay) < end
    )


def _recorded_at(received: Received, delay: float) -> float:
    return received.at - delay


def p99(delays: list[float]) -> float:
    return delays[int(len(delays) * 0.99)]


def typical(delays: list[float]) -> float:
    """The lower quartile: what else the machine does adds to the upper ones only."""
    return delays[len(delays) // 4]
