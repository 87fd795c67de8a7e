"""LowWater: what is known to be numbered is not looked at again, and nothing else is left out."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import chain
from operator import add
from time import monotonic

import asyncpg
import pytest

from app.core.config import Settings
from app.realtime.log.low_water import FORGET_SECONDS, LowWater
from tests.realtime.log_writer import LogWriter, writing
from tests.realtime.relays import Kept, published, relaying
from tests.waiting import until

WAITING = "SELECT event FROM pending WHERE event > {} ORDER BY event LIMIT 1000"


class Postgres:
    """As far as it goes here: transactions with a number, then ids, which end in any order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._first_to_end = (min, max, self._random.choice)[seed % 3]
        self._meanwhile = (1, 20)[seed // 3 % 2]
        self._next_transaction = 1
        self._next_id = 1
        self.running: dict[int, list[int]] = {}
        self.pending: set[int] = set()
        self.committed = 0

    def go_on(self) -> None:
        """Somebody begins, records an event, commits or gives up."""
        match self._random.choice(["begin", "record", "record", "commit", "commit", "roll back"]):
            case "begin":
                self.running[self.begin()] = []
            case "record" if self.running:
                self.running[self._random.choice([*self.running])].append(self._next_id)
                self._next_id += 1
            case "commit" if self.running:
                self.commit(self._somebody())
            case "roll back" if self.running:
                del self.running[self._somebody()]

    @property
    def known(self) -> list[int]:
        """Those that are pending, or will be unless they are rolled back."""
        return [*self.pending, *chain.from_iterable(self.running.values())]

    def begin(self) -> int:
        self._next_transaction += 1
        return self._next_transaction

    def commit(self, transaction: int) -> None:
        ids = self.running.pop(transaction)
        self.pending.update(ids)
        self.committed += len(ids)

    def number(self, low: LowWater, most: int) -> list[int]:
        """What the relay does in a transaction."""
        if not any(each > low.after for each in self.pending):
            return []
        mine = self.begin()
        for _ in range(self._random.randrange(self._meanwhile)):  # before its snapshot
            self.go_on()
        batch = sorted(each for each in self.pending if each > low.after)[:most]
        self.pending.difference_update(batch)
        low.rise(batch, mine, min([mine, *self.running]))
        return batch

    def _somebody(self) -> int:
        """Mostly in the same manner: those who began first, or last, or any."""
        return self._random.choice([self._random.choice, self._first_to_end])([*self.running])


@pytest.mark.parametrize("most", [3, 100], ids=["a backlog", "all at once"])
def test_in_whatever_order_transactions_end_no_event_is_left_out(most: int) -> None:
    for seed in range(60):
        postgres, low, numbered = Postgres(seed), LowWater(), 0
        for step in range(600):
            postgres.go_on()
            if step % (2 + seed % 7) == 0:
                numbered += len(postgres.number(low, most))
                assert all(each > low.after for each in postgres.known)
        for transaction in [*postgres.running]:
            postgres.commit(transaction)
        while batch := postgres.number(low, most):
            numbered += len(batch)
        assert numbered == postgres.committed
        assert low.after > 0


def test_an_id_counts_once_those_have_ended_who_may_have_a_lower_one() -> None:
    low = LowWater()
    low.rise([1], 10, 10)
    low.rise([2, 4], 12, 11)  # 11 may have 3
    low.rise([5], 13, 11)
    assert low.after == 0
    low.rise([3], 14, 14)
    assert low.after == 1
    low.rise([6], 15, 15)
    assert low.after == 5


def test_what_a_batch_numbers_counts_from_the_next_one_on() -> None:
    """Who began after its transaction may have an id below those that it saw."""
    low = LowWater()
    for nth in range(1, 4):
        low.rise([nth], 10 + nth, 10 + nth)
    assert low.after == 1


def test_what_a_batch_left_for_the_next_one_is_not_passed_over() -> None:
    low = LowWater()
    low.rise([100], 10, 10)
    low.rise([101], 11, 11)
    low.rise([5, 6], 12, 12)  # as many as it may be; 7 is pending, too
    assert low.after == 6


def test_it_is_old_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = monotonic()
    low = LowWater()
    assert not low.is_old
    for later, is_old in ((FORGET_SECONDS / 2, False), (FORGET_SECONDS + 10, True)):
        monkeypatch.setattr("app.realtime.log.low_water.monotonic", partial(add, begun, later))
        assert low.is_old == is_old


@asynccontextmanager
async def dumping(database: str) -> AsyncIterator[None]:
    """A snapshot that stays."""
    connection = await asyncpg.connect(database)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute("SELECT FROM relay")
            yield
    finally:
        await connection.close()


async def stepped_over(log: LogWriter, after: int) -> int:
    """How many rows a look for what is pending meets by the index from `after`, an id, on."""
    await log.connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    plan = await log.connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {WAITING.format(after)}")
    return int(json.loads(plan)[0]["Plan"]["Plans"][0]["Heap Fetches"])


async def test_while_a_dump_runs_numbered_events_are_not_stepped_over_again(
    settings: Settings, log: LogWriter, database: str
) -> None:
    broker, total = Kept(), 0
    async with dumping(database), relaying(settings, broker) as relay:

        async def relay_some(count: int) -> bool:
            nonlocal total
            await log.record("a", count=count)
            relay.nudge()
            total += count
            await published(broker, "a", total)
            return relay._low_water.after >= 5_000

        risen = await relay_some(5_000)
        async with asyncio.timeout(10):  # whoever else has a transaction there keeps it low
            while not risen:
                risen = await relay_some(1)
        assert await stepped_over(log, 0) >= 5_000
        assert await stepped_over(log, relay._low_water.after) <= total - 5_000


async def test_an_event_whose_transaction_takes_long_is_numbered_all_the_same(
    settings: Settings, log: LogWriter, database: str
) -> None:
    patient = settings.model_copy(update={"sweep_seconds": 60})
    broker = Kept()
    async with relaying(patient, broker) as relay, writing(database) as slow:

        async def relay_some() -> None:
            for _ in range(5):
                await log.record("b")
                relay.nudge()
                await published(broker, "b", len(broker.offsets("b")) + 1)

        await relay_some()
        async with slow.connection.transaction():
            await slow.record("a")
            await relay_some()
            kept = relay._low_water.after
            await relay_some()
            assert relay._low_water.after == kept > 0
        relay.nudge()
        await published(broker, "a", 1)
        await relay_some()
        await until(lambda: relay._low_water.after > kept)
