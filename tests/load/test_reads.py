"""Those who look around, against a target in memory."""

import asyncio
from collections.abc import Callable

import pytest

from load.errors import LoadError
from load.reads import OPENED, Reads
from load.target import Account, Target

STAFF = Account("staff@tandem.example", "staff", 900)
RATE = 200.0
SECONDS = 10


class Window(Target):
    """Lists more orders than are opened; `answers` holds every answer back until it is set."""

    def __init__(self) -> None:
        super().__init__("http://tandem.example")
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked: list[str] = []

    async def list_orders(self, staff: Account) -> list[str]:
        assert staff is STAFF
        self.asked.append("list")
        await self.answers.wait()
        return [str(nth) for nth in range(OPENED + 5)]

    async def get_order(self, staff: Account, order_id: str) -> None:
        assert staff is STAFF
        self.asked.append(order_id)
        await self.answers.wait()


class Closed(Window):
    async def list_orders(self, staff: Account) -> list[str]:
        await super().list_orders(staff)
        raise LoadError.unreachable("GET /orders was answered 503")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - a request in memory tells nobody
            await asyncio.sleep(0.005)


async def test_lists_and_some_of_their_orders_are_read_by_turns() -> None:
    window = Window()
    reads = Reads(window, STAFF)
    async with reads.running(RATE):
        await until(lambda: len(window.asked) > OPENED + 1)
    assert window.asked[: OPENED + 2] == ["list", *map(str, range(OPENED)), "list"]
    assert reads.failures == ""


@pytest.mark.parametrize("answered", [True, False])
async def test_reads_come_at_the_asked_rate_also_when_answers_are_slow(*, answered: bool) -> None:
    window = Window()
    if not answered:
        window.answers.clear()
    clock = asyncio.get_running_loop().time
    reads, begin = Reads(window, STAFF), clock()

    def due() -> float:
        return (clock() - begin) * RATE

    async with reads.running(RATE):
        await until(lambda: reads.sent >= max(40, due() - 1))
        assert reads.sent < due() + 2


async def test_reads_without_success_are_counted_and_others_follow() -> None:
    closed = Closed()
    reads = Reads(closed, STAFF)
    async with reads.running(RATE):
        await until(lambda: len(closed.asked) > OPENED)
    told = f"{len(closed.asked)}, the last: GET /orders was answered 503"
    assert reads.failures == told
