"""Workers that end are started again, whatever is in the way."""

import errno
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
from httpx import AsyncClient

import app.supervisor
from app.core.config import Settings
from app.figures_directory import SHARED_MEMORY
from app.supervisor import Supervisor, WorkerProcess
from tests.end_to_end.scrape import counted
from tests.supervising import WORKERS, nothing, pauses, supervised, told, until, workers

SPAWN = subprocess.Popen
IGNORANT = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
]


@pytest.mark.usefixtures("one_thread")
async def test_the_last_worker_is_started_again_though_there_are_few_threads(
    surroundings: Settings,
) -> None:
    async with supervised(surroundings, nothing):
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

    async with supervised(surroundings, nothing) as at_work:
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
    async with supervised(surroundings, nothing) as at_work:
        with half_a_release():
            at_work.first.process.kill()
            await until(lambda: len(pauses(caplog, "a worker ended")) == 4)
        await until(lambda: is_ready(at_work.first))

        at_work.first.process.send_signal(signal.SIGBUS)
        await until(lambda: len(pauses(caplog, "a worker ended")) == 5)
    assert pauses(caplog, "a worker ended") == [0.2, 0.4, 0.8, 1.6, 0.2]
    signals = [record.__dict__["signal"] for record in told(caplog, "a worker ended")]
    assert signals == ["SIGKILL", None, None, None, "SIGBUS"]


async def test_a_worker_started_again_that_never_gets_ready_is_replaced(
    surroundings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with supervised(surroundings, nothing) as at_work:
        with monkeypatch.context() as hung:
            hung.setattr(app.supervisor, "READY_SECONDS", 0.1)
            hung.setattr(subprocess, "Popen", spawn_hung)
            at_work.first.process.kill()
            await until(lambda: len(pauses(caplog, "a worker ended")) == 3)
        await until(lambda: is_ready(at_work.first))

        assert len(workers()) == WORKERS
    assert pauses(caplog, "a worker ended") == [0.2, 0.4, 0.8]
    assert len(told(caplog, "a worker did not get ready")) == 2


def spawn_hung(_command: list[str], **kwargs: Any) -> "subprocess.Popen[bytes]":
    """It never says that it is ready, nor ends when it is asked to."""
    return SPAWN(IGNORANT, **kwargs)


async def test_a_worker_that_was_replaced_is_not_started_again_as_well(
    surroundings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Both would serve, and nobody would end the one that is not kept."""
    async with supervised(surroundings, nothing) as at_work:
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
    async with supervised(surroundings, nothing) as at_work, AsyncClient() as http:
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
        in_memory = SHARED_MEMORY in at_work.supervisor._metrics.path.parents
        assert in_memory == SHARED_MEMORY.is_dir()
    assert asked == 5


def files_of(supervisor: Supervisor) -> set[str]:
    return {file.name for file in supervisor._metrics.path.iterdir()}


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
