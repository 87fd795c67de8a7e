"""Supervised: background tasks that are begun again, and end when they are told to."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from app.realtime.supervision import Supervised
from tests.realtime.flushes import turns
from tests.waiting import until


@pytest.fixture
async def supervised() -> AsyncIterator[Supervised]:
    supervised = Supervised(restart_seconds=0)
    yield supervised
    await supervised.stop()


class Job:
    """Fails so often, then goes on for ever."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.begun = 0
        self.ended = 0

    async def __call__(self) -> None:
        self.begun += 1
        try:
            if self.begun <= self.failures:
                raise RuntimeError("a bug")
            await asyncio.Event().wait()
        finally:
            self.ended += 1


async def test_a_job_runs_until_it_is_stopped(supervised: Supervised) -> None:
    job = Job()
    supervised.start("looks", job)
    await turns(5)
    assert (job.begun, job.ended) == (1, 0)
    await supervised.stop()
    assert (job.begun, job.ended) == (1, 1)


async def test_a_job_that_fails_is_logged_and_begun_again(
    supervised: Supervised, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(failures=3)
    with caplog.at_level(logging.ERROR):
        supervised.start("looks", job)
        await until(lambda: job.begun == 4)
    assert [record.__dict__["task"] for record in caplog.records] == ["looks"] * 3
    assert all(record.exc_info is not None for record in caplog.records)


async def test_a_job_that_fails_is_not_begun_again_at_once() -> None:
    supervised = Supervised(restart_seconds=3_600)
    job = Job(failures=1)
    supervised.start("looks", job)
    await turns(20)
    assert job.begun == 1
    await supervised.stop()


async def test_a_job_that_returns_is_done(supervised: Supervised) -> None:
    times = 0

    async def once() -> None:
        nonlocal times
        times += 1

    supervised.start("opening", once)
    await turns(20)
    assert times == 1


async def test_one_job_that_fails_does_not_concern_another(supervised: Supervised) -> None:
    fails, runs = Job(failures=1_000), Job()
    supervised.start("fails", fails)
    supervised.start("runs", runs)
    await until(lambda: fails.begun > 5)
    assert (runs.begun, runs.ended) == (1, 0)


async def test_stopping_leaves_no_task(supervised: Supervised) -> None:
    before = asyncio.all_tasks()
    for name in "abc":
        supervised.start(name, Job(failures=1))
    assert len(asyncio.all_tasks()) == len(before) + 3
    await supervised.stop()
    assert asyncio.all_tasks() == before


async def test_a_job_whose_library_swallows_a_cancellation_is_stopped_all_the_same(
    supervised: Supervised,
) -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 1:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            swallowed += 1
        await asyncio.Event().wait()

    supervised.start("broker", stubborn)
    await turns(3)
    await asyncio.wait_for(supervised.stop(), 10)
    assert swallowed == 1


async def test_jobs_started_by_a_job_are_stopped_too(supervised: Supervised) -> None:
    inner = Job()

    async def opening() -> None:
        supervised.start("inner", inner)

    supervised.start("opening", opening)
    await until(lambda: inner.begun == 1)
    await supervised.stop()
    assert inner.ended == 1


async def test_stopping_twice_is_no_mistake(supervised: Supervised) -> None:
    supervised.start("looks", Job())
    await supervised.stop()
    await supervised.stop()
