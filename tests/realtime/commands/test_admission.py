"""Admission: how many are inside at a time, and in which order they come in."""

import asyncio

import pytest

from app.realtime.commands.admission import ADMITTED, Admission
from tests.realtime.flushes import turns


class Crowd:
    """Visitors who stay inside until they may leave."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.inside: list[int] = []
        self.came: list[int] = []
        self.may_leave = asyncio.Event()

    async def visit(self, number: int) -> None:
        async with self.admission.visit():
            self.came.append(number)
            self.inside.append(number)
            try:
                await self.may_leave.wait()
            finally:
                self.inside.remove(number)

    def visits(self, count: int) -> list["asyncio.Task[None]"]:
        return [asyncio.create_task(self.visit(number)) for number in range(count)]


async def test_so_many_are_inside_and_the_others_wait() -> None:
    crowd = Crowd(Admission())
    visits = crowd.visits(3 * ADMITTED)
    await turns(10)
    assert crowd.inside == list(range(ADMITTED))
    crowd.may_leave.set()
    await asyncio.gather(*visits)
    assert len(crowd.came) == 3 * ADMITTED


async def test_they_come_in_in_the_order_of_their_arrival() -> None:
    crowd = Crowd(Admission(2))
    crowd.may_leave.set()
    await asyncio.gather(*crowd.visits(50))
    assert crowd.came == list(range(50))


async def test_whoever_leaves_makes_room() -> None:
    crowd = Crowd(Admission(2))
    visits = crowd.visits(4)
    await turns(10)
    visits[0].cancel()
    await turns(10)
    assert crowd.inside == [1, 2]
    crowd.may_leave.set()
    await asyncio.gather(*visits, return_exceptions=True)


async def test_who_gives_up_waiting_takes_no_place() -> None:
    crowd = Crowd(Admission(1))
    visits = crowd.visits(3)
    await turns(10)
    visits[1].cancel()
    crowd.may_leave.set()
    await asyncio.gather(*visits, return_exceptions=True)
    assert crowd.came == [0, 2]


async def test_an_error_inside_makes_room_too() -> None:
    admission = Admission(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="inside"):
            async with admission.visit():
                raise ValueError("inside")


async def test_what_is_ready_on_the_loop_comes_first() -> None:
    admission = Admission()
    seen: list[str] = []
    asyncio.get_running_loop().call_soon(seen.append, "ready")
    async with admission.visit():
        seen.append("inside")
    assert seen == ["ready", "inside"]
