"""Gathered: who asks while a read is under way shares the next one."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from app.realtime.log.gathering import Gathered
from app.realtime.log.reader import Extent, LogReader, Reason
from tests.realtime.flushes import turns


class Reader(LogReader):
    """Answers with how often it was asked, when it may."""

    def __init__(self) -> None:
        super().__init__("postgresql://nobody@127.0.0.1:1/none")
        self.asked: list[list[str]] = []
        self.reasons: list[Reason | None] = []
        self.failures: list[Exception] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def extents(
        self, channels: Sequence[str], *, reason: Reason | None
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
