"""ConnectionCounts on a real Valkey: a limit for the whole cluster, and each worker's alone."""

import asyncio
from uuid import UUID, uuid4

from app.embedded import Valkey
from app.realtime.log.broker import PATIENCE_SECONDS
from app.realtime.time_limit import TimeLimit
from tests.realtime.brokers import frozen, talking
from tests.realtime.presences import Cluster, Worker, clustered, eventually, quick_settings
from tests.waiting import never_waiting, until

LIMIT = 3


async def take(worker: Worker, user: UUID, *clients: str) -> list[bool]:
    return [await worker.counts.take(user, client) for client in clients]


async def written(worker: Worker) -> None:
    """Wait until all that was noted is in Redis."""
    await until(lambda: worker.leases.entries.unwritten == 0)
    await worker.presence.read("nowhere")


async def counted(cluster: Cluster, user: UUID, expected: int) -> None:
    """Wait until Redis has so many connections of the user."""
    key = f"tandem:{cluster.epoch}:connections:{user}"
    async with talking(cluster.settings.redis_url) as redis:

        async def is_so() -> bool:
            return int(await redis.hlen(key)) == expected

        await eventually(is_so)


async def test_a_user_has_so_many_connections_in_the_cluster(cluster: Cluster) -> None:
    one, other, user = await cluster.worker(), await cluster.worker(), uuid4()
    assert await take(one, user, "a", "b") == [True, True]
    assert await take(other, user, "c", "d") == [True, False]
    assert await take(one, user, "e") == [False]
    await counted(cluster, user, LIMIT)


async def test_each_user_is_counted_apart(cluster: Cluster) -> None:
    worker = await cluster.worker()
    for _ in range(2):
        assert await take(worker, uuid4(), "a", "b", "c") == [True] * LIMIT


async def test_a_connection_that_is_over_makes_room(cluster: Cluster) -> None:
    one, other, user = await cluster.worker(), await cluster.worker(), uuid4()
    await take(one, user, "a", "b", "c")
    one.counts.release(user, "b")
    one.counts.release(user, "never let in")
    await written(one)
    assert await take(other, user, "d", "e") == [True, False]


async def test_many_who_come_at_once_are_counted_one_by_one(cluster: Cluster) -> None:
    workers, user = [await cluster.worker() for _ in range(3)], uuid4()
    for worker in workers:
        await written(worker)
    answers = await asyncio.gather(
        *(
            worker.counts.take(user, f"{nth}-{name}")
            for nth in range(5)
            for name, worker in zip("abc", workers, strict=True)
        )
    )
    assert sum(answers) == LIMIT
    await counted(cluster, user, LIMIT)


async def test_the_connections_of_a_killed_worker_count_until_its_lease_ends(
    cluster: Cluster,
) -> None:
    slow = quick_settings(cluster.settings.redis_url, lease_seconds=3)
    killed, survivor, user = await cluster.worker(slow), await cluster.worker(slow), uuid4()
    await take(killed, user, "a", "b", "c")
    await until(lambda: survivor.leases.calm)
    await killed.kill()
    assert await take(survivor, user, "d") == [False]
    await eventually(lambda: survivor.counts.take(user, "d"))
    await counted(cluster, user, 1)


async def test_the_connections_of_a_drained_worker_are_over_at_once(cluster: Cluster) -> None:
    slow = quick_settings(cluster.settings.redis_url, lease_seconds=60)
    drained, other, user = await cluster.worker(slow), await cluster.worker(slow), uuid4()
    await take(drained, user, "a", "b", "c")
    await drained.end()
    assert await take(other, user, "d") == [True]


async def test_an_emptied_redis_learns_the_counts_again(cluster: Cluster) -> None:
    one, other, user = await cluster.worker(), await cluster.worker(), uuid4()
    await take(one, user, "a", "b", "c")
    async with talking(cluster.settings.redis_url) as redis:
        await redis.flushall()
    await counted(cluster, user, LIMIT)
    assert await take(other, user, "d") == [False]


async def test_without_a_limit_nothing_is_counted(cluster: Cluster) -> None:
    unlimited = quick_settings(cluster.settings.redis_url, connections_per_user=0)
    worker, user = await cluster.worker(unlimited), uuid4()
    assert await take(worker, user, *"abcdefgh") == [True] * 8
    worker.counts.release(user, "a")
    assert worker.leases.entries.unwritten == 0
    await counted(cluster, user, 0)


async def test_while_redis_hangs_each_worker_counts_for_itself(
    own_cluster: Cluster, valkey: Valkey
) -> None:
    one, other, user = await own_cluster.worker(), await own_cluster.worker(), uuid4()
    await take(one, user, "a")
    for worker in (one, other):
        worker.counts.patience = TimeLimit(PATIENCE_SECONDS)
    with frozen(valkey):
        assert await take(one, user, "b") == [True]
        assert await take(other, user, "e") == [True]
        with never_waiting():  # patience was had once
            assert await take(one, user, "c", "d") == [True, False]
            assert await take(other, user, "f", "g", "h") == [True, True, False]
        one.counts.release(user, "a")
    await counted(own_cluster, user, 5)
    await until(lambda: not one.leases.away)
    await until(lambda: one.counts._alone_until < asyncio.get_running_loop().time())
    assert await take(one, user, "i") == [False]


async def test_while_redis_is_known_to_be_away_nobody_waits(
    own_cluster: Cluster, valkey: Valkey
) -> None:
    worker, user = await own_cluster.worker(), uuid4()
    with frozen(valkey):
        await until(lambda: worker.leases.away)
        with never_waiting():
            assert await take(worker, user, "a", "b", "c", "d") == [True, True, True, False]


async def test_whoever_leaves_before_the_answer_does_not_count(cluster: Cluster) -> None:
    worker, user = await cluster.worker(), uuid4()
    await written(worker)
    for turns in range(20):
        asking = asyncio.create_task(worker.counts.take(user, f"c{turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        for answer in await asyncio.gather(asking, return_exceptions=True):
            if answer is True:  # it was quicker
                worker.counts.release(user, f"c{turns}")
    await written(worker)
    await counted(cluster, user, 0)


async def test_a_take_that_comes_first_is_answered_by_the_worker_alone() -> None:
    """Before its lease is begun, or without anybody to begin it."""
    async with clustered(quick_settings("redis://127.0.0.1:1"), "away") as cluster:
        worker = cluster.idle_worker()
        worker.counts.patience = TimeLimit(PATIENCE_SECONDS)
        assert await take(worker, uuid4(), "a", "b", "c", "d") == [True, True, True, False]
