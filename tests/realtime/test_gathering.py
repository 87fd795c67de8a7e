"""SingleFlight and Gathered: work that many wait for, done once."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from app.realtime.gathering import Gathered, SingleFlight
from app.realtime.reader import Extent, LogReader
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


class Reader(LogReader):
    """Answers with how often it was asked, when it may."""

    def __init__(self) -> None:
        super().__init__("postgresql://nobody@127.0.0.1:1/none")
        self.asked: list[list[str]] = []
        self.reasons: list[str] = []
        self.failures: list[Exception] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def extents(
        self, channels: Sequence[str], *, reason: str = "activate"
    ) -> tuple[str, dict[str, Extent]]:
        self.asked.append(list(channels))
        self.reasons.append(reason)
        answer = len(self.asked)
        await self.may_answer.wait()
        if self.failures:
            raise self.failures.pop(0)
        return "epoch", {channel: Extent(answer, 0) for channel in channels}


@pytest.fixture
async def reader() -> Reader:
    return Reader()


@pytest.fixture
async def gathered(reader: Reader) -> AsyncIterator[Gathered]:
    gathered = Gathered(reader, "recover")
    yield gathered
    for task in gathered.tasks:
        task.cancel()
    await asyncio.gather(*gathered.tasks, return_exceptions=True)


# ------------------------------------------------------------------ single flight


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


# ----------------------------------------------------------------------- gathered


async def test_all_who_ask_in_one_turn_share_one_read(reader: Reader, gathered: Gathered) -> None:
    answers = await asyncio.gather(*(gathered.read(name) for name in ("a", "b", "a")))
    assert answers == [("epoch", Extent(1, 0))] * 3
    assert reader.asked == [["a", "b"]]
    assert reader.reasons == ["recover"]


async def test_who_asks_while_a_read_is_under_way_gets_the_answer_of_a_later_one(
    reader: Reader, gathered: Gathered
) -> None:
    reader.may_answer.clear()
    early = asyncio.create_task(gathered.read("a"))
    await turns(3)
    late = [asyncio.create_task(gathered.read(name)) for name in ("a", "b", "c")]
    await turns(3)
    assert reader.asked == [["a"]]
    reader.may_answer.set()
    assert (await early)[1].head == 1
    assert [answer[1].head for answer in await asyncio.gather(*late)] == [2, 2, 2]
    assert reader.asked == [["a"], ["a", "b", "c"]]


async def test_an_error_reaches_those_who_asked_for_that_read_only(
    reader: Reader, gathered: Gathered
) -> None:
    reader.may_answer.clear()
    reader.failures = [ConnectionError("away")]
    early = [asyncio.create_task(gathered.read(name)) for name in ("a", "b")]
    await turns(3)
    late = asyncio.create_task(gathered.read("a"))
    await turns(3)
    reader.may_answer.set()
    outcomes = await asyncio.gather(*early, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 2
    assert (await late)[1].head == 2


async def test_who_gives_up_does_not_end_the_read_of_the_others(
    reader: Reader, gathered: Gathered
) -> None:
    reader.may_answer.clear()
    hasty, patient = (asyncio.create_task(gathered.read("a")) for _ in range(2))
    await turns(3)
    hasty.cancel()
    await asyncio.wait({hasty})
    reader.may_answer.set()
    assert (await patient)[1].head == 1


async def test_nothing_is_read_when_nobody_asks(reader: Reader, gathered: Gathered) -> None:
    await gathered.read("a")
    await turns(5)
    assert reader.asked == [["a"]]
    assert gathered.tasks == set()


async def test_who_waits_is_let_go_when_the_worker_ends(reader: Reader, gathered: Gathered) -> None:
    reader.may_answer.clear()
    waiting = [asyncio.create_task(gathered.read("a"))]
    await turns(3)
    waiting.append(asyncio.create_task(gathered.read("b")))
    await turns(3)
    for task in gathered.tasks:
        task.cancel()
    outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 2


async def test_who_asks_when_a_read_has_ended_but_is_not_cleared_away_is_served(
    reader: LogReader,
) -> None:
    gathered = Gathered(reader, "activate")
    ended = asyncio.create_task(asyncio.sleep(0))
    await ended
    gathered.tasks.add(ended)
    async with asyncio.timeout(5):
        _epoch, extent = await gathered.read("a")
    assert extent == Extent(1, 0)
