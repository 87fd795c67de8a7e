"""Workers that count, a clock that is set by hand, and time that passes in Redis, too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr
from redis.asyncio import Redis

from app.core.buckets import SECOND, Allowance
from app.core.config import Settings
from app.core.rates import Rates
from tests.conftest import SECRET

NOWHERE = "redis://127.0.0.1:1"
HOUR = 3600
PATIENT = 10.0


class Clock:
    """Nanoseconds."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1_000_000_000)


def hourly(name: str, burst: int) -> Allowance:
    """While a test runs nothing drains."""
    return Allowance(name, HOUR * SECOND, burst)


@asynccontextmanager
async def counting(
    redis_url: str,
    clock: Clock | None = None,
    patience: float = PATIENT,
    secret: SecretStr = SECRET,
    give_up: float | None = None,
) -> AsyncIterator[Rates]:
    """One worker; patient, so that no pause of the machine makes it count for itself. A question
    is given up after `give_up` seconds, or else when patience ends.
    """
    settings = Settings(
        environment="test",
        redis_url=redis_url,
        redis_timeout_seconds=give_up or patience,
        secret_key=secret,
    )
    rates = Rates(settings, clock or Clock(), patience)
    try:
        yield rates
    finally:
        await rates.aclose()


async def passed(*workers: Rates, allowance: Allowance, caller: str, tries: int) -> int:
    """How many of so many tries passed, made at one worker after the other."""
    waits = [await workers[nth % len(workers)].take(allowance, caller) for nth in range(tries)]
    return waits.count(0)


async def buckets_of(redis: Redis, allowance: Allowance) -> list[bytes]:
    return [key async for key in redis.scan_iter(f"tandem:rate:{allowance.name}:*")]


async def let_pass(redis: Redis, clock: Clock, allowance: Allowance, seconds: float) -> None:
    """For the workers of this clock, and for every bucket of this allowance in Redis."""
    clock.advance(seconds)
    for key in await buckets_of(redis, allowance):
        await redis.decrby(key, round(seconds * SECOND))
