"""What the scenarios that write tell of their requests, against a shop in memory."""

import asyncio
import os
from argparse import Namespace
from dataclasses import replace
from typing import Any

import pytest

from load.errors import LoadError
from load.http import Answer
from load.report import Result
from load.scenario import Stage
from load.scenarios import mixed, recording, writes
from load.target import Account
from load.writer import Writer
from tests.load.standin import CONNECTED, START, SUBSCRIBED, standin
from tests.load.test_handshakes import bench
from tests.load.test_writer import OWNER, STAFF, Shop

COLD_SECONDS = 0.5
WARM_SECONDS = 0.001
FLAGS = Namespace(posts=True, writers=1, reads=10.0)


class ColdShop(Shop):
    """Answers the first `cold` writes late."""

    def __init__(self, cold: int) -> None:
        super().__init__()
        self.cold = cold
        self.asked = 0

    async def register_customer(self) -> Account:
        return OWNER

    async def head(self, staff: Account) -> int:
        del staff
        return START + self.writes.total()

    async def list_orders(self, staff: Account) -> list[str]:
        del staff
        return []

    async def create(self, owner: Account, body: dict[str, Any]) -> Answer:
        await self._take_time()
        return await super().create(owner, body)

    async def move(self, staff: Account, order_id: str, etag: str, status: str) -> Answer:
        await self._take_time()
        return await super().move(staff, order_id, etag, status)

    async def _take_time(self) -> None:
        self.asked += 1
        await asyncio.sleep(COLD_SECONDS if self.asked <= self.cold else WARM_SECONDS)


def stage_on(shop: Shop, **options: Any) -> Stage:
    """Nobody there publishes what was written: it is all lost, soon."""
    here = bench(server_pid=None)
    few = replace(here.options, connections=1, drain=0.2, own=FLAGS, **options)
    screen, interruption, outcome = here.screen, here.interruption, here.outcome
    return Stage(few, screen, interruption, outcome, "tandem", None, shop, STAFF, None)


async def rows_of(play: Any, stage: Stage) -> list[Result]:
    async with standin(CONNECTED, SUBSCRIBED) as served:
        stage.target.url = served.url
        await play(stage)
    return stage.outcome.results


@pytest.mark.timed
async def test_the_warm_up_is_in_no_time_of_a_request() -> None:
    """Neither its requests that had their answers then, nor those that had them later."""
    for play in (writes.play, mixed.play):
        stage = stage_on(ColdShop(15), rate=20, warmup=1, duration=1)
        row, *_ = await rows_of(play, stage)
        assert row.extra["request_p99_ms"] < COLD_SECONDS * 1000 / 2


async def test_reads_without_success_are_told() -> None:
    class Busy(ColdShop):
        async def list_orders(self, staff: Account) -> list[str]:
            raise LoadError.unreachable(f"{staff.token}: 429")

    stage = stage_on(Busy(0), rate=20, warmup=0, duration=0.5)
    await rows_of(mixed.play, stage)
    (told,) = [note for note in stage.outcome.notes if note.startswith("reads without success: ")]
    assert told.endswith(", the last: staff: 429")


@pytest.mark.timed
async def test_writers_of_a_round_are_timed_in_rounds_that_count_and_not_before() -> None:
    shop = ColdShop(8)
    writer = Writer(shop, owner=OWNER, staff=STAFF, moves=False)
    await writer.run_closed(8, COLD_SECONDS, asyncio.Event())
    writers = recording.Writers(writer, os.getpid(), await recording.Log.of(shop, STAFF))
    await writers.write(2, 0.2, asyncio.Event())
    shop.cold = shop.asked + 2
    await writers.write(2, 0.2, asyncio.Event())
    writers.keep(1)
    assert 0 < writers.figures["request_p99_ms"] < COLD_SECONDS * 1000 / 2


async def test_requests_a_second_are_those_of_the_seconds_before_an_interruption() -> None:
    class Interrupting(ColdShop):
        async def create(self, owner: Account, body: dict[str, Any]) -> Answer:
            if self.asked == 30:
                stage.interruption.interrupt()
            return await super().create(owner, body)

    stage = stage_on(Interrupting(0), rate=20, warmup=0, duration=1)
    _, most = await rows_of(writes.play, stage)
    assert most.scenario == "most"
    assert most.extra["requests_per_s"] > 30
