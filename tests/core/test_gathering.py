"""Gathering: who asks while an answer is under way shares the next one."""

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest

from app.core.gathering import MOST, ROUNDS, Gathering
from tests.realtime.flushes import turns
from tests.waiting import until


class Reader:
    """Answers with how often it was asked, when it may."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.failures: list[Exception] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self, asked: Collection[str]) -> dict[str, int]:
        self.asked.append(list(asked))
        answer = len(self.asked)
        await self.may_answer.wait()
        if self.failures:
            raise self.failures.pop(0)
        return dict.fromkeys(asked, answer)


@pytest.fixture
async def reader() -> Reader:
    return Reader()


@pytest.fixture
async def gathering(reader: Reader) -> AsyncIterator[Gathering[str, int]]:
    gathering = Gathering(reader.read, "reads")
    yield gathering
    await gathering.aclose()


async def test_all_who_ask_in_one_turn_share_one_read(
    reader: Reader, gathering: Gathering[str, int]
) -> None:
    answers = await asyncio.gather(*(gathering.ask(name) for name in ("a", "b", "a")))
    assert answers == [1] * 3
    assert reader.asked == [["a", "b"]]


async def test_who_asks_while_a_read_is_under_way_gets_the_answer_of_a_later_one(
    reader: Reader, gathering: Gathering[str, int]
) -> None:
    reader.may_answer.clear()
    early = asyncio.create_task(gathering.ask("a"))
    await turns(3)
    late = [asyncio.create_task(gathering.ask(name)) for name in ("a", "b", "c")]
    await turns(3)
    assert reader.asked == [["a"]]
    reader.may_answer.set()
    assert await early == 1
    assert await asyncio.gather(*late) == [2, 2, 2]
    assert reader.asked == [["a"], ["a", "b", "c"]]


async def test_an_error_reaches_those_who_asked_for_that_read_only(
    reader: Reader, gathering: Gathering[str, int]
) -> None:
    reader.may_answer.clear()
    reader.failures = [ConnectionError("away")]
    early = [asyncio.create_task(gathering.ask(name)) for name in ("a", "b")]
    await turns(3)
    late = asyncio.create_task(gathering.ask("a"))
    await turns(3)
    reader.may_answer.set()
    outcomes = await asyncio.gather(*early, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 2
    assert await late == 2


async def test_who_gives_up_does_not_end_the_read_of_the_others(
    reader: Reader, gathering: Gathering[str, int]
) -> None:
    reader.may_answer.clear()
    hasty, patient = (asyncio.create_task(gathering.ask("a")) for _ in range(2))
    await turns(3)
    hasty.cancel()
    await asyncio.wait({hasty})
    reader.may_answer.set()
    assert await patient == 1


async def test_nothing_is_read_when_nobody_asks(
    reader: Reader, gathering: Gathering[str, int]
) -> None:
    await gathering.ask("a")
    await turns(5)
    assert reader.asked == [["a"]]
    assert gathering.tasks == set()


async def test_who_waits_is_let_go_when_the_worker_ends(
    reader: Reader, gathering: Gathering[str, int]
) -> None:
    reader.may_answer.clear()
    waiting = [asyncio.create_task(gathering.ask("a"))]
    await turns(3)
    waiting.append(asyncio.create_task(gathering.ask("b")))
    await turns(3)
    await gathering.aclose()
    outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 2


async def test_who_asks_when_a_read_has_ended_but_is_not_cleared_away_is_served(
    gathering: Gathering[str, int],
) -> None:
    ended = asyncio.create_task(asyncio.sleep(0))
    await ended
    gathering.tasks.add(ended)
    async with asyncio.timeout(5):
        assert await gathering.ask("a") == 1


async def test_an_answer_that_is_slow_does_not_hold_up_the_next(
    reader: Reader, gathering: Gathering[str, int]
) -> None:
    reader.may_answer.clear()
    early = asyncio.create_task(gathering.ask("a"))
    await until(lambda: reader.asked == [["a"]])
    late = [asyncio.create_task(gathering.ask(name)) for name in "ab"]
    await until(lambda: len(reader.asked) == 2)
    latest = asyncio.create_task(gathering.ask("c"))
    await until(lambda: len(reader.asked) == ROUNDS)
    last = asyncio.create_task(gathering.ask("d"))
    await until(lambda: len(gathering._slow) == ROUNDS)
    assert reader.asked == [["a"], ["a", "b"], ["c"]]
    reader.may_answer.set()
    assert await asyncio.gather(early, *late, latest, last) == [1, 2, 2, 3, 4]
    await until(lambda: not gathering.tasks)
    assert gathering._slow == set()


async def test_very_many_are_asked_in_several(
    reader: Reader, gathering: Gathering[str, int]
) -> None:
    names = [f"{nth}" for nth in range(MOST + 1)]
    answers = await asyncio.gather(*(gathering.ask(name) for name in names))
    assert answers == [1] * MOST + [2]
    assert reader.asked == [names[:MOST], names[MOST:]]
