"""The supervisor in this process: what its workers and its start must not depend on."""

import asyncio
import errno
import logging
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from httpx import AsyncClient

from app.core.config import Settings
from app.processes import SHARED_MEMORY
from app.supervisor import ServeError, Supervisor, WorkerProcess, reserve
from tests.end_to_end.scrape import counted
from tests.waiting import until as until_within

WORKERS = 2
START_SECONDS = 60.0


@dataclass
class Supervised:
    """A supervisor at work, `task`."""

    supervisor: Supervisor
    task: "asyncio.Task[None]"

    @property
    def first(self) -> WorkerProcess:
        return self.supervisor._workers[0]


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
) -> AsyncIterator[Supervised]:
    """Running, once every worker is ready."""
    ready = asyncio.Event()
    supervisor = Supervisor(settings, "127.0.0.1", 0, WORKERS)
    running = asyncio.create_task(supervisor.run(prepare, lambda _url: ready.set()))
    try:
        async with asyncio.timeout(START_SECONDS):
            await ready.wait()
        yield Supervised(supervisor, running)
    finally:
        running.cancel()
        await asyncio.wait({running})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names for sockets alone")
def test_an_address_is_reserved_once_although_nobody_listens_yet() -> None:
    with ExitStack() as reserved:
        first, *others = [reserved.enter_context(held) for held in reserve("127.0.0.1", 0)]
        port = first.getsockname()[1]
        with pytest.raises(ServeError, match="Address already in use"):
            reserve("127.0.0.1", port)
    for held in reserve("127.0.0.1", port):
        held.close()
    assert others


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


async def test_a_worker_that_cannot_be_started_again_is_tried_until_it_can(
    surroundings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spawn, failures = subprocess.Popen, 2

    def spawn_later(*args: Any, **kwargs: Any) -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise BlockingIOError(errno.EAGAIN, "no more processes")
        return spawn(*args, **kwargs)

    async with supervised(surroundings, _nothing) as at_work:
        before, open_files = workers(), psutil.Process().num_fds()
        monkeypatch.setattr(subprocess, "Popen", spawn_later)
        psutil.Process(max(before)).kill()

        await until(lambda: len(workers()) == WORKERS and workers() != before)
        await until(lambda: psutil.Process().num_fds() <= open_files)
        assert min(before) in workers()
        assert not at_work.task.done()
    assert pauses(caplog, "no worker could be started") == [0.4, 0.8]


async def test_a_worker_that_ends_at_once_is_started_ever_more_seldom_until_it_is_ready(
    surroundings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with supervised(surroundings, _nothing) as at_work:
        with half_a_release():
            at_work.first.process.kill()
            await until(lambda: len(pauses(caplog, "a worker ended")) == 4)
        await until(lambda: is_ready(at_work.first))

        at_work.first.process.send_signal(signal.SIGBUS)
        await until(lambda: len(pauses(caplog, "a worker ended")) == 5)
    assert pauses(caplog, "a worker ended") == [0.2, 0.4, 0.8, 1.6, 0.2]
    signals = [record.__dict__["signal"] for record in told(caplog, "a worker ended")]
    assert signals == ["SIGKILL", None, None, None, "SIGBUS"]


async def test_a_worker_that_was_replaced_is_not_started_again_as_well(
    surroundings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Both would serve, and nobody would end the one that is not kept."""
    async with supervised(surroundings, _nothing) as at_work:
        before = workers()
        with half_a_release():
            at_work.first.process.kill()
            await until(lambda: len(pauses(caplog, "a worker ended")) == 2)
        await at_work.supervisor.restart()

        assert len(workers()) == WORKERS
        assert not workers() & before
    assert not workers()


async def test_who_is_started_again_counts_on_in_the_files_of_who_ended(
    surroundings: Settings,
) -> None:
    async with supervised(surroundings, _nothing) as at_work, AsyncClient() as http:
        url, ended = at_work.supervisor.url, list(at_work.supervisor._workers)
        for _ in range(5):
            await http.get(f"{url}/api/v1/orders")
        files, asked = files_of(at_work.supervisor), await refusals(http, url)
        for worker in ended:
            worker.process.kill()
        await until(lambda: all(worker.ended.is_set() for worker in ended))
        assert not [name for name in files_of(at_work.supervisor) if "live" in name]

        await until(lambda: is_ready_again(at_work.supervisor, ended))
        assert (files_of(at_work.supervisor), await refusals(http, url)) == (files, asked)
        in_memory = SHARED_MEMORY in Path(at_work.supervisor._metrics).parents
        assert in_memory == SHARED_MEMORY.is_dir()
    assert asked == 5


def files_of(supervisor: Supervisor) -> set[str]:
    return {file.name for file in Path(supervisor._metrics).iterdir()}


async def refusals(http: AsyncClient, url: str) -> float:
    return await counted(http, url, "http_requests_total", status="4xx")


def is_ready_again(supervisor: Supervisor, before: list[WorkerProcess]) -> bool:
    present = supervisor._workers
    return all(is_ready(one) for one in present) and not set(present) & set(before)


def is_ready(worker: WorkerProcess) -> bool:
    return worker.ready.is_set()


@contextmanager
def half_a_release() -> Iterator[None]:
    """No new worker can import anything."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONHOME", "/nowhere")
        yield


def told(caplog: pytest.LogCaptureFixture, message: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.message == message]


def pauses(caplog: pytest.LogCaptureFixture, message: str) -> list[float]:
    return [record.__dict__["restart_seconds"] for record in told(caplog, message)]


class Faulty(Supervisor):
    async def _keep(self, nth: int) -> None:
        raise LookupError(f"a fault with worker {nth}")


async def test_a_fault_of_the_supervisor_itself_is_no_ordinary_end(surroundings: Settings) -> None:
    supervisor = Faulty(surroundings, "127.0.0.1", 0, WORKERS)
    with pytest.raises(LookupError, match="a fault"):
        await supervisor.run(_nothing, lambda _url: None)
    assert not workers()


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


async def until(condition: Callable[[], bool]) -> None:
    """Processes begin and end meanwhile."""
    await until_within(condition, START_SECONDS)


async def _nothing() -> None:
    """All is there already."""
