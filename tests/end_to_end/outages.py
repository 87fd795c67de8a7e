"""How a service that Tandem needs goes away and comes back: stopped, hanging, gone in silence."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.end_to_end.faults import own_valkey
from tests.end_to_end.own_postgres import OwnPostgres, own_postgres
from tests.realtime.server_proxy import ServerProxy


@dataclass
class Outage:
    """A service of the test's own. `url` is what the server is given, `true_url` leads past
    whatever the outage puts between.
    """

    service: Literal["redis", "postgres"]
    url: str
    true_url: str
    begin: Callable[[], Awaitable[None]]
    end: Callable[[], Awaitable[None]]


Staged = Callable[[Path], AbstractAsyncContextManager[Outage]]


@asynccontextmanager
async def redis_stopped(directory: Path) -> AsyncIterator[Outage]:
    """It says goodbye, refuses connections, and comes back empty."""
    async with own_valkey(directory) as valkey:
        port = valkey.port

        async def stop() -> None:
            valkey.stop()

        async def start() -> None:
            valkey.start(port)

        yield Outage("redis", valkey.url, valkey.url, stop, start)


@asynccontextmanager
async def redis_hanging(directory: Path) -> AsyncIterator[Outage]:
    """Connections stay and are accepted, nothing is answered; then all at once."""
    async with own_valkey(directory) as valkey:

        async def hang() -> None:
            os.kill(valkey.pid, signal.SIGSTOP)

        async def go_on() -> None:
            os.kill(valkey.pid, signal.SIGCONT)

        try:
            yield Outage("redis", valkey.url, valkey.url, hang, go_on)
        finally:
            await go_on()  # or it could not be stopped


@asynccontextmanager
async def postgres_stopped(directory: Path) -> AsyncIterator[Outage]:
    """It says goodbye and refuses connections."""
    async with own_postgres(directory) as postgres:
        yield _own(postgres, postgres.stop)


@asynccontextmanager
async def postgres_crashed(directory: Path) -> AsyncIterator[Outage]:
    """It ends in the middle of everything, and recovers from its write-ahead log."""
    async with own_postgres(directory) as postgres:
        yield _own(postgres, postgres.crash)


@asynccontextmanager
async def postgres_silent(directory: Path) -> AsyncIterator[Outage]:
    """As a host that lost its power: nothing is refused or ended, nothing is answered. New
    connections are answered again afterwards, the old ones never.
    """
    async with own_postgres(directory) as postgres, ServerProxy(postgres.url) as proxy:

        async def vanish() -> None:
            proxy.vanish()

        async def reappear() -> None:
            proxy.reappear()

        yield Outage("postgres", proxy.url, postgres.url, vanish, reappear)


@asynccontextmanager
async def redis_emptied(directory: Path) -> AsyncIterator[Outage]:
    """FLUSHALL, and another one."""
    async with own_valkey(directory) as valkey:
        yield Outage("redis", valkey.url, valkey.url, valkey.flush, valkey.flush)


@asynccontextmanager
async def redis_links_cut(directory: Path) -> AsyncIterator[Outage]:
    """Whoever listens is thrown out, and so once more."""
    async with own_valkey(directory) as valkey:
        yield Outage("redis", valkey.url, valkey.url, valkey.cut_listeners, valkey.cut_listeners)


def _own(postgres: OwnPostgres, end_it: Callable[[], Awaitable[None]]) -> Outage:
    return Outage("postgres", postgres.url, postgres.url, end_it, postgres.start)


OUTAGES: dict[str, Staged] = {
    "redis stopped": redis_stopped,
    "redis hanging": redis_hanging,
    "postgres stopped": postgres_stopped,
    "postgres crashed": postgres_crashed,
    "postgres silent": postgres_silent,
}

MISHAPS: dict[str, Staged] = {"redis emptied": redis_emptied, "redis links cut": redis_links_cut}
"""Over at once: nobody need notice."""
