"""What is old is removed, piece by piece, whatever else is wrong."""

import asyncio
import logging
from collections.abc import Sequence

import pytest
from asyncpg import InsufficientPrivilegeError
from sqlalchemy.exc import ProgrammingError

from app.core.config import Settings
from app.realtime.log.housekeeping import Chore, Housekeeping
from tests.realtime.guarded import guarding
from tests.realtime.log_writer import LogWriter
from tests.waiting import until

A_DAY_AND_A_BIT = 24 * 3600 + 60


class Brisk(Housekeeping):
    rest_seconds = 0.01


class Dust:
    """A chore: each piece has some; then there is nothing left. An error takes a piece's place."""

    def __init__(self, *pieces: int | Exception) -> None:
        self.pieces = list(pieces)

    async def __call__(self) -> int:
        piece = self.pieces.pop(0) if self.pieces else 0
        if isinstance(piece, Exception):
            raise piece
        return piece


async def keep_house(chores: Sequence[Chore], *dust: Dust) -> None:
    """Until all of it is gone."""
    running = asyncio.create_task(Brisk(chores).run())
    try:
        await until(lambda: running.done() or not any(each.pieces for each in dust))
    finally:
        running.cancel()
        await asyncio.wait({running})
    if not running.cancelled():
        running.result()


async def test_every_chore_is_done_until_nothing_is_left() -> None:
    first, second = Dust(5, 5, 3), Dust(1)
    await keep_house([first, second], first, second)
    assert (first.pieces, second.pieces) == ([], [])


async def test_what_postgres_did_not_answer_is_done_the_next_time() -> None:
    first, second = Dust(TimeoutError(), 5), Dust(ConnectionRefusedError(), 1)
    await keep_house([first, second], first, second)
    assert (first.pieces, second.pieces) == ([], [])


@pytest.mark.parametrize(
    "refusal",
    [
        InsufficientPrivilegeError("permission denied"),
        ProgrammingError("DELETE", {}, InsufficientPrivilegeError("permission denied")),
    ],
)
async def test_what_postgres_refuses_is_told_of_once_and_keeps_no_other_chore_from_being_done(
    caplog: pytest.LogCaptureFixture, refusal: Exception
) -> None:
    caplog.set_level(logging.INFO)
    first, second = Dust(*[refusal] * 3, 5, 0), Dust(1, 0, 1, 0)
    await keep_house([first, second], first, second)
    assert caplog.messages == ["a chore failed", "a chore is done again"]
    assert "permission denied" in caplog.records[0].__dict__["error"]


async def test_a_bug_is_not_kept_quiet() -> None:
    broken = Dust(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await keep_house([broken], Dust(1))


async def test_the_front_of_the_log_is_a_chore(settings: Settings, log: LogWriter) -> None:
    await log.append("a", count=3, age_seconds=A_DAY_AND_A_BIT)
    await log.append("a")
    async with guarding(settings) as desk:
        (prune,) = desk.runtime.housekeeping.chores
        assert [await prune(), await prune()] == [3, 0]
    assert await log.offsets("a") == [4]


async def test_the_log_reaches_as_many_hours_back_as_it_is_set_to(
    settings: Settings, log: LogWriter
) -> None:
    for hours in (25, 23):
        await log.append("a", age_seconds=hours * 3600)
    async with guarding(settings.model_copy(update={"log_hours": 24})) as desk:
        (prune,) = desk.runtime.housekeeping.chores
        assert [await prune(), await prune()] == [1, 0]
    assert await log.offsets("a") == [2]
