"""The open loop, against a target in memory."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from load.http import Answer
from load.orders import STEPS
from load.target import Account, Target
from load.writer import IN_FLIGHT, Writer

OWNER = Account("owner@tandem.example", "owner", 900)
STAFF = Account("staff@tandem.example", "staff", 900)


class Shop(Target):
    """Keeps orders as Tandem does; `answers` holds every answer back until it is set."""

    def __init__(self) -> None:
        super().__init__("http://tandem.example")
        self.answers = asyncio.Event()
        self.answers.set()
        self.versions: dict[str, int] = {}
        self.writes: Counter[tuple[str, str]] = Counter()
        self.failure: int | None = None
        self.tagged = True

    async def create(self, owner: Account, body: dict[str, Any]) -> Answer:
        assert body["items"]
        return await self._answer("POST", owner, str(len(self.versions)), version=0)

    async def move(self, staff: Account, order_id: str, etag: str, status: str) -> Answer:
        assert status in STEPS
        version = self.versions[order_id]
        if etag != f'"{version}"':
            return Answer(412, {}, b"")
        return await self._answer("PATCH", staff, order_id, version=version)

    async def _answer(self, method: str, who: Account, order_id: str, *, version: int) -> Answer:
        await self.answers.wait()
        if self.failure:
            return Answer(self.failure, {}, b"")
        self.writes[who.token, method] += 1
        self.versions[order_id] = version + 1
        content = json.dumps({"id": order_id}).encode()
        return Answer(200, {"etag": f'"{version + 1}"'} if self.tagged else {}, content)


def writer_to(shop: Shop) -> Writer:
    return Writer(shop, owner=OWNER, staff=STAFF)


async def test_writes_come_at_the_asked_rate() -> None:
    writer = writer_to(Shop())
    await writer.run(200, 0.5, asyncio.Event())
    await writer.settle()
    assert writer.accepted == pytest.approx(100, abs=1)


async def test_customers_place_orders_and_staff_move_them_without_conflicts() -> None:
    shop = Shop()
    writer = writer_to(shop)
    await writer.run(500, 0.5, asyncio.Event())
    await writer.settle()
    assert not writer.failed
    assert set(shop.writes) == {("owner", "POST"), ("staff", "PATCH")}
    assert max(shop.versions.values()) == 5


async def test_slow_answers_do_not_slow_the_writes() -> None:
    shop = Shop()
    shop.answers.clear()
    writer = writer_to(shop)
    await writer.run(200, 0.25, asyncio.Event())
    assert writer.accepted == 0
    shop.answers.set()
    await writer.settle()
    assert writer.accepted == pytest.approx(50, abs=1)


async def test_too_many_in_flight_are_counted_and_not_sent() -> None:
    shop = Shop()
    shop.answers.clear()
    writer = writer_to(shop)
    await writer.run(IN_FLIGHT * 8, 0.25, asyncio.Event())
    shop.answers.set()
    await writer.settle()
    assert writer.accepted == IN_FLIGHT
    assert "not sent, too many in flight" in writer.failures


async def test_refused_writes_are_counted_by_status() -> None:
    shop = Shop()
    shop.failure = 429
    writer = writer_to(shop)
    await writer.run(100, 0.05, asyncio.Event())
    await writer.settle()
    assert writer.accepted == 0
    assert writer.failures.endswith(" HTTP 429")


async def test_an_order_whose_version_is_not_told_is_accepted_but_not_moved_on() -> None:
    shop = Shop()
    shop.tagged = False
    writer = writer_to(shop)
    await writer.run(100, 0.2, asyncio.Event())
    await writer.settle()
    assert writer.accepted == sum(writer.failed.values()) == len(shop.versions)
    assert writer.failures.endswith(" without id or ETag, not moved on")


async def test_a_stop_ends_the_writing_at_once() -> None:
    stop = asyncio.Event()
    writer = writer_to(Shop())
    running = asyncio.create_task(writer.run(0.001, 3600, stop))
    stop.set()
    async with asyncio.timeout(5):
        await running
