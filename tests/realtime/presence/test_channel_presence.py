"""Presence of several workers on a real Valkey: who is there, and what watchers are told."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from app.core.unavailable import REDIS_FAILURES
from app.embedded import Services
from tests.realtime.brokers import talking
from tests.realtime.presences import Cluster, clustered, info_of, quick_settings
from tests.waiting import until

ROOM = "room"
OTHER_ROOM = "other room"


@pytest.fixture
async def cluster(services: Services) -> AsyncIterator[Cluster]:
    async with clustered(quick_settings(services.redis_url), uuid4().hex) as cluster:
        yield cluster


# ------------------------------------------------------------------- who is there


async def test_who_entered_is_there_for_every_worker(cluster: Cluster) -> None:
    one, other = await cluster.worker(), await cluster.worker()
    one.enter(ROOM, "a")
    other.enter(ROOM, "b")
    await until(lambda: one.leases.entries.unwritten + other.leases.entries.unwritten == 0)
    await other.presence.read(ROOM)  # so that what it wrote has arrived
    expected = {"a": info_of("a"), "b": info_of("b")}
    assert await one.presence.read(ROOM) == expected
    assert await other.presence.read(ROOM) == expected


async def test_who_asks_right_after_entering_is_there(cluster: Cluster) -> None:
    worker = await cluster.worker()
    for number in range(20):
        worker.enter(ROOM, f"c{number}")
        assert len(await worker.presence.read(ROOM)) == number + 1


async def test_who_asks_while_a_write_is_under_way_is_there(cluster: Cluster) -> None:
    worker = await cluster.worker()
    for number in range(20):
        worker.enter(OTHER_ROOM, f"c{number}")
        await asyncio.sleep(0.0002 * number)  # to meet every moment of a turn
        worker.enter(ROOM, f"c{number}")
        assert len(await worker.presence.read(ROOM)) == number + 1


async def test_who_left_is_not_there(cluster: Cluster) -> None:
    worker = await cluster.worker()
    worker.enter(ROOM, "a", "b")
    await worker.presence.read(ROOM)
    worker.presence.leave(ROOM, "a")
    worker.presence.leave(ROOM, "stranger")
    assert set(await worker.presence.read(ROOM)) == {"b"}


async def test_many_who_ask_are_answered_together(cluster: Cluster) -> None:
    worker = await cluster.worker()
    worker.enter(ROOM, "a")
    answers = await asyncio.gather(*(worker.presence.read(ROOM) for _ in range(100)))
    assert [set(answer) for answer in answers] == [{"a"}] * 100
    answers[0].clear()
    assert set(answers[1]) == {"a"}


async def test_stats_count_clients_and_users(cluster: Cluster) -> None:
    worker = await cluster.worker()
    worker.enter(ROOM, "a", "b", user="7")
    worker.enter(ROOM, "c", user="8")
    assert await worker.presence.stats(ROOM) == (3, 2)
    assert await worker.presence.stats(OTHER_ROOM) == (0, 0)


async def test_logs_on_one_redis_have_their_own_people(cluster: Cluster) -> None:
    worker = await cluster.worker()
    async with clustered(cluster.settings, uuid4().hex) as theirs:
        stranger = await theirs.worker()
        stranger.enter(ROOM, "a")
        await stranger.presence.read(ROOM)
        assert await worker.presence.read(ROOM) == {}


# ------------------------------------------------------------------------ watchers


async def test_watchers_of_all_workers_are_told_who_comes_and_goes(cluster: Cluster) -> None:
    one, other = await cluster.worker(), await cluster.worker()
    await one.watch(ROOM)
    await other.watch(ROOM)
    one.enter(ROOM, "a")
    await one.sees(ROOM, "a")
    await other.sees(ROOM, "a")
    one.presence.leave(ROOM, "a")
    await one.sees(ROOM)
    await other.sees(ROOM)
    expected = [(ROOM, "join", "a"), (ROOM, "leave", "a")]
    assert one.told == other.told == expected


async def test_the_first_watcher_is_told_of_its_own_join(cluster: Cluster) -> None:
    worker = await cluster.worker()
    for number in range(10):
        channel = f"room-{number}"
        assert await worker.broker.subscribe(channel)
        worker.presence.watch(channel)
        worker.enter(channel, "me")
        await until(lambda: (channel, "join", "me") in worker.told)  # noqa: B023 - at once


async def test_a_watcher_is_not_told_of_those_who_were_there_before(cluster: Cluster) -> None:
    one, other = await cluster.worker(), await cluster.worker()
    one.enter(ROOM, "a")
    await one.presence.read(ROOM)
    assert await other.watch(ROOM) == {"a"}
    one.enter(ROOM, "b")
    await other.sees(ROOM, "a", "b")
    assert other.told == [(ROOM, "join", "b")]


async def test_all_who_come_or_go_in_one_moment_are_told_together(cluster: Cluster) -> None:
    one, other = await cluster.worker(), await cluster.worker()
    await one.watch(ROOM)
    moments: list[list[str]] = []
    one.presence.on_change = lambda _channel, told: moments.append([kind for kind, _info in told])
    crowd = [f"client-{number}" for number in range(100)]
    other.enter(ROOM, *crowd)
    await until(lambda: sum(map(len, moments)) == len(crowd))
    await other.kill()
    await until(lambda: sum(map(len, moments)) == 2 * len(crowd))
    assert moments == [["join"] * len(crowd), ["leave"] * len(crowd)]


async def test_nobody_is_told_of_what_is_not_watched(cluster: Cluster) -> None:
    worker = await cluster.worker()
    await worker.watch(ROOM)
    await worker.watch(OTHER_ROOM)
    worker.presence.unwatch(ROOM)
    worker.presence.unwatch("never watched")
    worker.enter(ROOM, "a")
    worker.enter(OTHER_ROOM, "b")
    await worker.sees(OTHER_ROOM, "b")
    assert worker.told == [(OTHER_ROOM, "join", "b")]


async def test_a_channel_is_watched_until_the_last_watcher_leaves(cluster: Cluster) -> None:
    worker = await cluster.worker()
    await worker.watch(ROOM)
    worker.presence.watch(ROOM)
    worker.presence.unwatch(ROOM)
    worker.enter(ROOM, "a")
    await worker.sees(ROOM, "a")
    worker.presence.unwatch(ROOM)
    worker.presence.leave(ROOM, "a")
    await worker.presence.read(ROOM)
    assert worker.told == [(ROOM, "join", "a")]


async def test_a_channel_that_is_watched_again_is_known_as_it_is(cluster: Cluster) -> None:
    worker = await cluster.worker()
    await worker.watch(ROOM)
    worker.presence.unwatch(ROOM)
    worker.enter(ROOM, "a")
    assert await worker.watch(ROOM) == {"a"}
    worker.presence.leave(ROOM, "a")
    await worker.sees(ROOM)


async def test_an_answer_is_never_older_than_what_was_told(cluster: Cluster) -> None:
    one, other = await cluster.worker(), await cluster.worker()
    await one.watch(ROOM)
    for number in range(200):
        other.enter(ROOM, f"c{number}")
        if number % 2:
            other.presence.leave(ROOM, f"c{number - 1}")
        assert set(await one.presence.read(ROOM)) == one.replay[ROOM]
    await one.sees(ROOM, *(f"c{number}" for number in range(200) if number % 2))


async def test_thousands_who_vanish_in_a_moment_have_left(cluster: Cluster) -> None:
    one, other = await cluster.worker(), await cluster.worker()
    clients = [f"c{number}" for number in range(2000)]
    one.enter(ROOM, *clients)
    await one.presence.read(ROOM)
    assert await other.watch(ROOM) == set(clients)
    before = len(asyncio.all_tasks())
    for client in clients:
        one.presence.leave(ROOM, client)
    assert len(asyncio.all_tasks()) == before
    await other.sees(ROOM)
    assert len(other.kinds("leave")) == 2000


async def test_a_foreign_change_is_passed_over(cluster: Cluster) -> None:
    worker = await cluster.worker()
    await worker.watch(ROOM)
    async with talking(cluster.settings.redis_url) as stranger:
        await stranger.publish(worker.broker.key(ROOM), b"~hello")
    worker.enter(ROOM, "a")
    await worker.sees(ROOM, "a")
    assert worker.broker.up


# ------------------------------------------------------------------ a worker's end


async def test_the_clients_of_a_drained_worker_leave_at_once(cluster: Cluster) -> None:
    slow = quick_settings(cluster.settings.redis_url, lease_seconds=60)
    drained, other = await cluster.worker(slow), await cluster.worker(slow)
    await other.watch(ROOM)
    clients = [f"c{number}" for number in range(300)]
    drained.enter(ROOM, *clients)
    await other.sees(ROOM, *clients)
    await drained.end()
    await other.sees(ROOM)


async def test_after_the_end_nobody_is_waited_for(cluster: Cluster) -> None:
    worker = await cluster.worker()
    await worker.end()
    with pytest.raises(REDIS_FAILURES):
        await worker.presence.read(ROOM)


async def test_who_waits_for_an_answer_at_the_end_is_told(cluster: Cluster) -> None:
    worker = await cluster.worker()
    for task in worker.tasks:
        task.cancel()
    await asyncio.gather(*worker.tasks, return_exceptions=True)
    asking = asyncio.create_task(worker.presence.read(ROOM))
    await asyncio.sleep(0)
    await worker.presence.aclose()
    with pytest.raises(REDIS_FAILURES):
        await asking


@pytest.mark.timed
@pytest.mark.parametrize("present", [500])
async def test_everybody_on_a_killed_worker_has_left_when_its_lease_is_over(
    cluster: Cluster, present: int
) -> None:
    """As it is served: a lease of three seconds, leaves within five of the kill."""
    served = quick_settings(cluster.settings.redis_url, lease_seconds=3)
    killed, *survivors = [await cluster.worker(served) for _ in range(3)]
    for survivor in survivors:
        await survivor.watch(ROOM)
    clients = [f"c{number}" for number in range(present)]
    killed.enter(ROOM, *clients)
    for survivor in survivors:
        await survivor.sees(ROOM, *clients)
    await until(lambda: survivors[0].leases.calm)
    begun = asyncio.get_running_loop().time()
    await killed.kill()
    for survivor in survivors:
        await survivor.sees(ROOM)
        assert len(survivor.kinds("leave")) == present
    assert asyncio.get_running_loop().time() - begun < 4.5
