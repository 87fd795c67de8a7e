"""SingleFlight: one task for all who want the same thing at the same time."""

import asyncio

import pytest

from app.core.single_flight import SingleFlight
from tests.realtime.flushes import turns


class Job:
    """Ends when it may, with what it shall."""

    def __init__(self, outcome: str | Exception = "done") -> None:
        self.begun = 0
        self.may_end = asyncio.Event()
        self.outcome = outcome

    async def __call__(self) -> str:
        self.begun += 1
        await self.may_end.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def test_a_job_is_done_once_for_all_who_want_it() -> None:
    flight: SingleFlight[str] = SingleFlight()
    job = Job()
    waiting = [asyncio.create_task(flight.run("a", job)) for _ in range(10)]
    await turns(3)
    job.may_end.set()
    assert await asyncio.gather(*waiting) == ["done"] * 10
    assert job.begun == 1


async def test_different_jobs_are_done_side_by_side() -> None:
    flight: SingleFlight[str] = SingleFlight()
    first, second = Job("first"), Job("second")
    waiting = [
        asyncio.create_task(flight.run(key, job)) for key, job in (("a", first), ("b", second))
    ]
    await turns(3)
    assert (first.begun, second.begun) == (1, 1)
    first.may_end.set()
    second.may_end.set()
    assert await asyncio.gather(*waiting) == ["first", "second"]


async def test_who_comes_after_the_end_has_it_done_again() -> None:
    flight: SingleFlight[str] = SingleFlight()
    job = Job()
    job.may_end.set()
    await flight.run("a", job)
    await flight.run("a", job)
    assert job.begun == 2
    assert flight.tasks == []


async def test_who_gives_up_does_not_end_the_job_of_the_others() -> None:
    flight: SingleFlight[str] = SingleFlight()
    job = Job()
    hasty, patient = (asyncio.create_task(flight.run("a", job)) for _ in range(2))
    await turns(3)
    hasty.cancel()
    await asyncio.wait({hasty})
    job.may_end.set()
    assert await patient == "done"


async def test_an_error_reaches_everybody_and_is_not_kept() -> None:
    flight: SingleFlight[str] = SingleFlight()
    job = Job(ConnectionError("away"))
    waiting = [asyncio.create_task(flight.run("a", job)) for _ in range(3)]
    await turns(3)
    job.may_end.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert outcomes == [job.outcome] * 3
    job.outcome = "done"
    assert await flight.run("a", job) == "done"


async def test_a_job_can_be_ended_by_its_owner() -> None:
    flight: SingleFlight[str] = SingleFlight()
    waiting = asyncio.create_task(flight.run("a", Job()))
    await turns(3)
    for task in flight.tasks:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert flight.tasks == []
