"""Every figure of /metrics that real-time work moves, moved by what it counts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from app.core import metrics
from app.core.config import Settings
from tests.application import Person
from tests.realtime.log_reads import log_reads
from tests.realtime.log_writer import LogWriter, writing
from tests.realtime.stage import Player, Stage, staged
from tests.waiting import until


def figure(name: str, **labels: str) -> float:
    metrics.settle()
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    """Only looks and repairs that a test asks for, and a ring of three events."""
    async with staged(settings, ring_events=3, look_seconds=60) as stage:
        await until(lambda: stage.runtime.broker.up)
        yield stage


@asynccontextmanager
async def watching(stage: Stage, **fields: object) -> AsyncIterator[tuple[Player, str, Person]]:
    """Staff on an order's channel."""
    staff = await stage.staff()
    channel = await stage.place(staff)
    async with stage.connected(staff) as player:
        await player.subscribe(channel, **fields)
        (here,) = stage.runtime.manager.audience(channel)
        await until(lambda: here.log.head == 1)  # the order's own event is no part of a figure
        yield player, channel, staff


async def test_connections_and_subscriptions_are_counted_while_they_last(stage: Stage) -> None:
    connections, subscriptions = figure("tandem_connections"), figure("tandem_subscriptions")
    async with watching(stage):
        assert figure("tandem_connections") == connections + 1
        assert figure("tandem_subscriptions") == subscriptions + 2  # the own channel, too
    assert figure("tandem_connections") == connections
    assert figure("tandem_subscriptions") == subscriptions


async def test_an_event_moves_what_counts_its_way(stage: Stage) -> None:
    async with watching(stage) as (player, channel, staff):
        before = {name: figure(name) for name in EVENT_FIGURES}
        await stage.note(staff, channel, "hello")
        await player.transport.offset(channel, 2)
        await until(lambda: all(figure(name) > before[name] for name in EVENT_FIGURES))


EVENT_FIGURES = (
    "tandem_events_total",
    "tandem_deliveries_total",
    "tandem_delivered_bytes_total",
    "tandem_commit_to_socket_seconds_count",
    "tandem_relay_batch_events_count",
    "tandem_flush_seconds_count",
)


async def test_what_waits_for_the_relay_is_told_with_its_age(
    stage: Stage, log: LogWriter, settings: Settings
) -> None:
    relay = stage.runtime.relay
    async with log.connection.transaction():
        await log.connection.execute("SELECT tick FROM relay FOR UPDATE")  # no relay gets on
        async with writing(settings.database_url) as other:
            await other.record("orders", count=5, age_seconds=60)
        await until(lambda: figure("tandem_relay_pending") == 5)
        assert figure("tandem_relay_pending_age_seconds") >= 60
        assert relay.pending_age >= 60
    await until(lambda: figure("tandem_relay_pending") == 0)
    assert figure("tandem_relay_pending_age_seconds") == 0


async def test_who_comes_is_counted_as_a_read_for_each_channel_that_was_not_active(
    stage: Stage,
) -> None:
    before = log_reads()
    async with watching(stage) as (_player, channel, staff):
        assert log_reads() - before == Counter(activate=2)  # the own channel, too
        async with stage.connected(staff) as another:
            await another.subscribe(channel)
        assert log_reads() - before == Counter(activate=2)


async def test_what_nobody_was_told_of_is_counted_as_a_read_to_repair(
    stage: Stage, log: LogWriter
) -> None:
    async with watching(stage) as (player, channel, _staff):
        before = log_reads()
        await append_untold(stage, log, channel, 2)
        await player.transport.offset(channel, 3)
        assert log_reads() - before == Counter(repair=1)


async def test_who_comes_back_is_counted_as_a_read_to_recover(stage: Stage, log: LogWriter) -> None:
    async with watching(stage) as (player, channel, staff):
        for head in (3, 5, 7):
            await append_untold(stage, log, channel, 2)
            await player.transport.offset(channel, head)
        async with stage.connected(staff) as back:
            before = log_reads()
            await back.subscribe(channel, recover=True, offset=1)
            await back.transport.offset(channel, 7)
            assert log_reads() - before == Counter(recover=1)


async def test_who_fell_off_the_ring_is_counted_as_a_read_to_refill(
    stage: Stage, log: LogWriter
) -> None:
    async with watching(stage) as (player, channel, _staff):
        player.transport.writable = False
        await append_untold(stage, log, channel, 9)
        await until(lambda: stage.runtime.manager.audience(channel)[0].log.head == 10)
        before = log_reads()
        player.transport.writable = True
        player.connection.pump()
        await player.transport.offset(channel, 10)
        assert log_reads() - before == Counter(refill=1)


async def test_what_a_client_asks_of_the_history_is_none_of_the_reads(stage: Stage) -> None:
    async with watching(stage) as (player, channel, _staff):
        before = log_reads()
        answer = await player.ask(history={"channel": channel, "limit": -1})
        assert len(answer["history"]["publications"]) == 1
        assert log_reads() - before == Counter()


async def append_untold(stage: Stage, log: LogWriter, channel: str, count: int) -> None:
    """Nobody is told of it; then a look finds it."""
    await log.append(channel, count=count)
    await stage.runtime.follower.look()


async def test_gaps_are_counted_by_how_they_were_found(stage: Stage, log: LogWriter) -> None:
    by_look = figure("tandem_repairs_total", found="look")
    by_push = figure("tandem_repairs_total", found="push")
    async with watching(stage) as (player, channel, _staff):
        await append_untold(stage, log, channel, 1)
        await player.transport.offset(channel, 2)
        assert figure("tandem_repairs_total", found="look") == by_look + 1

        lost = await log.append(channel, count=2)
        late = [message for message in await log.append(channel) if message.channel == channel]
        assert lost
        for message in late:
            stage.runtime.follower.deliver(message)
        await player.transport.offset(channel, 5)
        assert figure("tandem_repairs_total", found="push") == by_push + 1
        assert figure("tandem_repairs_total", found="look") == by_look + 1


async def test_the_furthest_cursor_is_told_while_it_is_behind(stage: Stage, log: LogWriter) -> None:
    async with watching(stage) as (player, channel, _staff):
        player.transport.writable = False
        await append_untold(stage, log, channel, 7)
        (behind,) = stage.runtime.manager.audience(channel)
        await until(lambda: behind.log.head == 8)
        await until(lambda: figure("tandem_cursor_lag_events") == 8 - behind.cursor)

        player.transport.writable = True
        player.connection.pump()
        await until(lambda: figure("tandem_cursor_lag_events") == 0)


async def test_closes_are_counted_by_their_code(stage: Stage) -> None:
    before = figure("tandem_closes_total", code="3501")
    with stage.player() as player:
        await player.say("{")
    assert figure("tandem_closes_total", code="3501") == before + 1


async def test_the_loop_s_lag_is_measured_all_the_time(stage: Stage) -> None:
    before = figure("tandem_loop_lag_seconds_count")
    assert stage.runtime.ready.is_set()
    await until(lambda: figure("tandem_loop_lag_seconds_count") > before)


async def test_redis_and_postgres_are_up(stage: Stage) -> None:
    async with asyncio.timeout(5):
        await stage.runtime.ready.wait()
    await until(lambda: figure("tandem_redis_up") == 1)
    assert figure("tandem_postgres_up") == 1
