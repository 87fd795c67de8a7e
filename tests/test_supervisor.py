"""The supervisor in this process: what its workers and its start must not depend on."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import psutil
import pytest

from app.core.config import Settings
from app.supervisor import Supervisor
from tests.waiting import until

WORKERS = 2


@pytest.fixture
def surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What workers inherit, as `serve` leaves it to them."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("TANDEM_ENVIRONMENT", "test")
    monkeypatch.setenv("TANDEM_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("TANDEM_SECRET_KEY", settings.secret_key.get_secret_value())
    monkeypatch.setenv("TANDEM_DRAIN_SECONDS", "0")
    return settings


@pytest.fixture
async def one_thread() -> None:
    """As when a machine has few cores and many workers."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))


def workers() -> set[int]:
    """The ids of those that live."""
    children = psutil.Process().children()
    return {child.pid for child in children if _is_worker(child)}


def _is_worker(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "app.server" in process.cmdline()
    except psutil.Error:  # it ended in this moment
        return False


@asynccontextmanager
async def supervised(
    settings: Settings, prepare: Callable[[], Awaitable[None]]
) -> AsyncIterator["asyncio.Task[None]"]:
    """Running, once every worker is ready."""
    ready = asyncio.Event()
    supervisor = Supervisor(settings, "127.0.0.1", 0, WORKERS)
    running = asyncio.create_task(supervisor.run(prepare, lambda _url: ready.set()))
    try:
        async with asyncio.timeout(30):
            await ready.wait()
        yield running
    finally:
        running.cancel()
        await asyncio.wait({running})


@pytest.mark.usefixtures("one_thread")
async def test_more_workers_than_threads_leave_one_to_what_prepares(
    surroundings: Settings,
) -> None:
    async with supervised(surroundings, lambda: asyncio.to_thread(lambda: None)):
        assert len(workers()) == WORKERS

    assert not workers()


@pytest.mark.usefixtures("one_thread")
async def test_the_last_worker_is_started_again_though_there_are_few_threads(
    surroundings: Settings,
) -> None:
    async with supervised(surroundings, _nothing):
        before = workers()
        psutil.Process(max(before)).kill()

        await until(lambda: len(workers()) == WORKERS and workers() != before)


async def test_sigterm_ends_a_start_that_still_prepares(surroundings: Settings) -> None:
    begun, given_up = asyncio.Event(), asyncio.Event()

    async def prepare() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    supervisor = Supervisor(surroundings, "127.0.0.1", 0, WORKERS)
    running = asyncio.create_task(supervisor.run(prepare, lambda _url: None))
    await begun.wait()
    try:
        signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await asyncio.wait({running})
    finally:
        running.cancel()
        await asyncio.wait({running})

    assert (given_up.is_set(), running.cancelled(), workers()) == (True, False, set())


async def _nothing() -> None:
    """All is there already."""
