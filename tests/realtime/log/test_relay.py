"""The relay on a real Postgres: numbers without holes, whoever else is at work."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from app.core.config import Settings
from app.core.failpoints import Failpoints
from app.core.locks import RELAY_LOCK
from app.realtime.log.broker import Broker
from app.realtime.log.numbering import NUMBER, RELAY
from app.realtime.log.relay import (
    LONGEST_REST_SECONDS,
    PUBLISHED_BYTES,
    REST_SECONDS,
    REST_SHARE,
    Relay,
    Relayed,
    messages_of,
    rest_after,
)
from tests.realtime.log_writer import LogWriter, numbers, writing
from tests.realtime.relays import Kept, published, relaying
from tests.waiting import until


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"sweep_seconds": 0.05})


def counted(last: int) -> list[int]:
    return list(range(1, last + 1))


# ------------------------------------------------------------------- numbering


async def test_a_channels_offsets_are_one_two_three_in_the_order_of_the_events(
    settings: Settings, log: LogWriter
) -> None:
    broker = Kept()
    async with relaying(settings, broker):
        await log.record("a", "b", count=2)
        await log.record("b", count=3)
        await published(broker, "b", 5)
    assert await log.offsets("a") == counted(2)
    assert await log.offsets("b") == counted(5)
    events = [event for _offset, event in await log.logged("b")]
    assert events == sorted(events)
    assert await log.pending() == 0


async def test_what_is_published_is_what_was_numbered(settings: Settings, log: LogWriter) -> None:
    broker = Kept()
    async with relaying(settings, broker):
        await log.record("a", count=3)
        await published(broker, "a", 3)
    (message,) = broker.messages
    assert (message.channel, message.offset, numbers(message.payloads)) == ("a", 1, [1, 2, 3])


async def test_a_nudge_is_enough(settings: Settings, log: LogWriter) -> None:
    broker = Kept()
    patient = settings.model_copy(update={"sweep_seconds": 60})
    async with relaying(patient, broker) as relay:
        for offset in counted(5):
            await log.record("a")
            relay.nudge()
            await published(broker, "a", offset)


async def test_more_than_a_batch_is_relayed_in_one_turn(settings: Settings, log: LogWriter) -> None:
    broker = Kept()
    small = settings.model_copy(update={"relay_batch": 10, "sweep_seconds": 60})
    await log.record("a", count=35)
    async with relaying(small, broker) as relay:
        relay.nudge()
        await published(broker, "a", 35)
    assert broker.offsets("a") == counted(35)
    assert await log.tick() == 4


async def test_a_batch_is_cut_where_its_payloads_become_too_many_bytes(
    settings: Settings, log: LogWriter
) -> None:
    broker = Kept()
    patient = settings.model_copy(update={"sweep_seconds": 60})
    large = "x" * (PUBLISHED_BYTES // 10 + 1)  # of two channels: five of them are a batch
    await log.record("a", "b", count=12, payload=large)
    async with relaying(patient, broker) as relay:
        relay.nudge()
        await published(broker, "b", 12)
    assert broker.offsets("a") == counted(12)
    assert broker.batches == [10, 10, 4]
    assert await log.tick() == 3


async def test_an_event_that_is_larger_than_a_batch_is_a_batch_by_itself(
    settings: Settings, log: LogWriter
) -> None:
    broker = Kept()
    patient = settings.model_copy(update={"sweep_seconds": 60})
    await log.record("a", count=2, payload="x" * (PUBLISHED_BYTES + 1))
    await log.record("a")
    async with relaying(patient, broker) as relay:
        relay.nudge()
        await published(broker, "a", 3)
    assert broker.offsets("a") == counted(3)
    assert broker.batches == [1, 1, 1]


async def test_a_payload_comes_once_however_many_channels_it_goes_to(log: LogWriter) -> None:
    names = [f"c{n}" for n in counted(53)]
    await log.record(*names, payload="{}")
    async with log.connection.transaction():
        rows = await log.connection.fetch(NUMBER, 1000, PUBLISHED_BYTES, 0)
    assert [row["payload"] for row in rows] == ["{}"] + [None] * 52
    messages = messages_of(rows)
    assert [message.channel for message in messages] == names
    assert len({id(message.payloads[0]) for message in messages}) == 1


async def test_a_turn_without_news_spends_no_tick(settings: Settings, log: LogWriter) -> None:
    broker = Kept()
    async with relaying(settings, broker) as relay:
        for _ in range(20):
            relay.nudge()
            await asyncio.sleep(0)
        await log.record("a")
        await published(broker, "a", 1)
    assert await log.tick() == 1


class TimedRelay(Relay):
    """Notes when each turn begins and ends."""

    def __init__(self, settings: Settings, broker: Broker, failpoints: Failpoints) -> None:
        super().__init__(settings, broker, failpoints)
        self.turns: list[tuple[float, float]] = []

    async def _turn(self, *, look: bool) -> Relayed:
        begun = time.monotonic()
        relayed = await super()._turn(look=look)
        self.turns.append((begun, time.monotonic()))
        return relayed


async def test_where_events_come_fast_the_relay_rests_so_that_more_gather(
    settings: Settings, log: LogWriter
) -> None:
    broker = Kept()
    patient = settings.model_copy(update={"sweep_seconds": 60})
    async with relaying(patient, broker, kind=TimedRelay) as relay:
        assert isinstance(relay, TimedRelay)
        await log.record("a", count=2)
        relay.nudge()
        await published(broker, "a", 2)
        await log.record("a")
        relay.nudge()
        await published(broker, "a", 3)
        await until(lambda: len(relay.turns) == 2)
        (first, ended), (begun, _) = relay.turns
        assert begun - ended >= min((ended - first) * REST_SHARE, LONGEST_REST_SECONDS)


@pytest.mark.parametrize(
    ("turn", "rest"),
    [(0.0001, REST_SECONDS), (0.008, 0.004), (3.0, LONGEST_REST_SECONDS)],
    ids=["quick", "under load", "a backlog"],
)
def test_it_rests_by_how_long_a_turn_took_within_bounds(turn: float, rest: float) -> None:
    assert rest_after(turn) == rest


async def test_numbering_few_reads_little_however_many_events_there_were(log: LogWriter) -> None:
    for _ in range(40):  # as a relay does: at once, in tables that seem empty, it may take minutes
        await log.append("a", count=1_000)
    await log.record("a", count=10)
    async with log.connection.transaction():
        await log.connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await log.connection.execute(f"PREPARE number(bigint, bigint, bigint) AS {NUMBER}")
        plan = await log.connection.fetchval(
            "EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE number(1000, 8000000, 0)"
        )
    scans = [node for node in nodes_of(json.loads(plan)[0]["Plan"]) if reads(node, "events")]
    assert [scan["Actual Rows"] for scan in scans] == [10]


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes_of(below)


def reads(node: dict[str, Any], table: str) -> bool:
    return node.get("Relation Name") == table


async def test_an_event_without_channels_is_done_with(settings: Settings, log: LogWriter) -> None:
    broker = Kept()
    await log.record(count=3)
    await log.record("a")
    async with relaying(settings, broker):
        await published(broker, "a", 1)
    assert await log.pending() == 0
    assert [message.channel for message in broker.messages] == ["a"]


async def test_offsets_go_on_where_the_channel_was_pruned(
    settings: Settings, log: LogWriter
) -> None:
    broker = Kept()
    await log.append("a", count=3)
    await log.cut("a", counted(3))
    await log.record("a")
    async with relaying(settings, broker):
        await published(broker, "a", 4)


# ----------------------------------------------------------------- concurrency


async def test_concurrent_writers_and_two_relays_leave_no_hole_and_no_repeat(
    settings: Settings, database: str
) -> None:
    async def write(channels: tuple[str, ...]) -> None:
        async with writing(database) as writer:
            for _ in range(40):
                await writer.record(*channels)
                first.nudge()
                second.nudge()

    mine, theirs = Kept(), Kept()
    async with relaying(settings, mine) as first, relaying(settings, theirs) as second:
        await asyncio.gather(*(write(channels) for channels in (("a",), ("a", "b"), ("b", "c"))))
        await until(lambda: len(mine.offsets("a") + theirs.offsets("a")) == 80)
        await until(lambda: len(mine.offsets("b") + theirs.offsets("b")) == 80)
    assert sorted(mine.offsets("a") + theirs.offsets("a")) == counted(80)
    assert sorted(mine.offsets("b") + theirs.offsets("b")) == counted(80)
    assert mine.offsets("a") == sorted(mine.offsets("a"))
    async with writing(database) as writer:
        assert await writer.offsets("a") == counted(80)
        assert await writer.offsets("c") == counted(40)
        assert await writer.pending() == 0


async def test_relays_that_all_believe_to_hold_the_lock_number_each_event_once(
    settings: Settings, log: LogWriter, database: str
) -> None:
    small = settings.model_copy(update={"relay_batch": 7})
    brokers = [Kept() for _ in range(4)]

    async def number_with_a_lock_of_its_own(nth: int, broker: Kept) -> None:
        connection = await asyncpg.connect(database)
        await connection.execute(RELAY.replace(str(RELAY_LOCK), str(nth)))
        relay = Relay(small, broker, Failpoints())
        while (await relay._relay_batch(connection)).events:
            pass
        await connection.close()

    await log.record("a", "b", count=200)
    await asyncio.gather(
        *(number_with_a_lock_of_its_own(nth, broker) for nth, broker in enumerate(brokers))
    )
    assert await log.offsets("a") == counted(200)
    assert len({event for _offset, event in await log.logged("a")}) == 200
    assert sorted(offset for broker in brokers for offset in broker.offsets("b")) == counted(200)


async def test_a_slow_business_transaction_delays_nobody_else(
    settings: Settings, log: LogWriter, database: str
) -> None:
    broker = Kept()
    async with relaying(settings, broker), writing(database) as slow:
        async with slow.connection.transaction():
            await slow.record("a", payload='{"n":"slow"}')
            await log.record("a", "b", count=2)
            await published(broker, "a", 2)
            await published(broker, "b", 2)
        await published(broker, "a", 3)
    assert b"slow" in broker.messages[-1].payloads[0]
