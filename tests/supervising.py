"""A supervisor in this process, at work, and what it says."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
import pytest

from app.core.config import Settings
from app.supervisor import Supervisor, WorkerProcess
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
    async with running(Supervisor(settings, "127.0.0.1", 0, WORKERS), prepare) as at_work:
        yield at_work


@asynccontextmanager
async def running(
    supervisor: Supervisor, prepare: Callable[[], Awaitable[None]]
) -> AsyncIterator[Supervised]:
    """Once every worker is ready."""
    ready = asyncio.Event()
    task = asyncio.create_task(supervisor.run(prepare, lambda _url: ready.set()))
    try:
        async with asyncio.timeout(START_SECONDS):
            await ready.wait()
        yield Supervised(supervisor, task)
    finally:
        task.cancel()
        await asyncio.wait({task})


def told(caplog: pytest.LogCaptureFixture, message: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.message == message]


def pauses(caplog: pytest.LogCaptureFixture, message: str) -> list[float]:
    return [record.__dict__["restart_seconds"] for record in told(caplog, message)]


async def until(condition: Callable[[], bool]) -> None:
    """Processes begin and end meanwhile."""
    await until_within(condition, START_SECONDS)


async def nothing() -> None:
    """All is there already."""
