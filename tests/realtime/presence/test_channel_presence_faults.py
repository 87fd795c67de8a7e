"""Presence when messages are lost, when Redis is emptied, hangs or is away."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from app.core.unavailable import REDIS_FAILURES
from app.embedded import Valkey
from app.realtime.presence.mirror import Told
from tests.realtime.brokers import cut_links, frozen, own_valkey, talking
from tests.realtime.presences import (
    LEASE_SECONDS,
    Cluster,
    Worker,
    clustered,
    eventually,
    quick_settings,
)
from tests.realtime.server_proxy import ServerProxy
from tests.waiting import never_waiting, until

ROOM = "room"


async def two_rooms(cluster: Cluster) -> tuple[Worker, Worker]:
    """Two workers with two clients each, all known to all watchers, all calm."""
    one, other = await cluster.worker(), await cluster.worker()
    for worker in (one, other):
        await worker.watch(ROOM)
    one.enter(ROOM, "a", "b")
    other.enter(ROOM, "c", "d")
    for worker in (one, other):
        await worker.sees(ROOM, *"abcd")
        await until(lambda: worker.leases.calm)  # noqa: B023 - at once
        worker.told.clear()
    return one, other


def deafen(worker: Worker) -> None:
    """It hears no more changes."""
    worker.broker.on_presence = lambda _channel, _data: None


async def empty(cluster: Cluster) -> None:
    async with talking(cluster.settings.redis_url) as redis:
        await redis.flushall()
        await redis.script_flush()


def leases(*workers: Worker) -> list[object]:
    return [worker.leases.lease for worker in workers]


async def become_replica(valkey: Valkey) -> None:
    """Of nobody who answers. It goes on answering those who read."""
    async with talking(valkey.url) as redis:
        await redis.replicaof("127.0.0.1", "1")


async def has_no_listeners(valkey: Valkey) -> bool:
    async with talking(valkey.url) as redis:
        return not await redis.client_list(_type="pubsub")


# ------------------------------------------------------------------- lost messages


async def test_lost_joins_and_leaves_are_made_up_for(cluster: Cluster) -> None:
    one, other = await two_rooms(cluster)
    deafen(other)
    one.presence.leave(ROOM, "a")
    one.enter(ROOM, "e")
    await one.sees(ROOM, *"bcde")
    await other.sees(ROOM, *"bcde")
    assert sorted(other.told) == [(ROOM, "join", "e"), (ROOM, "leave", "a")]


async def test_a_link_that_was_cut_loses_nobody(cluster: Cluster) -> None:
    one, other = await two_rooms(cluster)
    await cut_links(cluster.settings.redis_url)
    one.presence.leave(ROOM, "a")
    other.enter(ROOM, "e")
    for worker in (one, other):
        await worker.sees(ROOM, *"bcde")
        assert sorted(worker.told) == [(ROOM, "join", "e"), (ROOM, "leave", "a")]


async def test_after_a_cut_everything_is_written_again_and_nobody_is_told(
    cluster: Cluster,
) -> None:
    """It may be another Redis that answers now, which never heard of some of it."""
    one, other = await two_rooms(cluster)
    before = leases(one, other)
    await cut_links(cluster.settings.redis_url)
    await until(lambda: not set(leases(one, other)) & {*before, None})
    for worker in (one, other):
        assert set(await worker.presence.read(ROOM)) == set("abcd")
        assert worker.told == []


# ------------------------------------------------------------------ an emptied Redis


async def test_an_emptied_redis_is_filled_again_and_nobody_is_told(cluster: Cluster) -> None:
    one, other = await two_rooms(cluster)
    before = leases(one, other)
    await empty(cluster)
    await until(lambda: not set(leases(one, other)) & {*before, None})
    await until(lambda: not one.leases.calm)
    await until(lambda: one.leases.calm and other.leases.calm)
    for worker in (one, other):
        assert set(await worker.presence.read(ROOM)) == set("abcd")
        assert worker.told == []
    newcomer = await cluster.worker()
    assert set(await newcomer.presence.read(ROOM)) == set("abcd")


async def test_who_comes_and_goes_while_redis_is_filled_again_is_told_of(
    cluster: Cluster,
) -> None:
    one, other = await two_rooms(cluster)
    await empty(cluster)
    one.presence.leave(ROOM, "a")
    one.enter(ROOM, "e")
    for worker in (one, other):
        await worker.sees(ROOM, *"bcde")
        assert sorted(worker.told) == [(ROOM, "join", "e"), (ROOM, "leave", "a")]


async def test_the_clients_of_a_worker_that_died_with_what_redis_knew_leave(
    cluster: Cluster,
) -> None:
    one, other = await two_rooms(cluster)
    await one.kill()
    await empty(cluster)
    await other.sees(ROOM, *"cd")
    assert sorted(other.told) == [(ROOM, "leave", "a"), (ROOM, "leave", "b")]


async def test_a_watcher_who_comes_to_an_emptied_redis_sees_everybody_in_the_end(
    cluster: Cluster,
) -> None:
    one, other = await two_rooms(cluster)
    newcomer = await cluster.worker()
    before = leases(one, other)
    await empty(cluster)
    await newcomer.watch(ROOM)
    await newcomer.sees(ROOM, *"abcd")
    await until(lambda: not set(leases(one, other)) & {*before, None})
    assert newcomer.kinds("leave") == []


# ----------------------------------------------------------------- Redis is not there


async def test_while_redis_hangs_nobody_leaves_and_nobody_waits(
    own_cluster: Cluster, valkey: Valkey
) -> None:
    one, other = await two_rooms(own_cluster)
    with frozen(valkey):
        with never_waiting():
            one.enter(ROOM, "e")
            one.presence.leave(ROOM, "a")
        with pytest.raises(REDIS_FAILURES):
            await one.presence.read(ROOM)
        await asyncio.sleep(2 * LEASE_SECONDS)
    for worker in (one, other):
        await worker.sees(ROOM, *"bcde")
        await until(lambda: worker.leases.calm)  # noqa: B023 - at once
    assert set(await other.presence.read(ROOM)) == set("bcde")
    for worker in (one, other):
        assert sorted(worker.told) == [(ROOM, "join", "e"), (ROOM, "leave", "a")]


async def test_a_killed_worker_is_found_out_after_redis_hung(
    own_cluster: Cluster, valkey: Valkey
) -> None:
    one, other = await two_rooms(own_cluster)
    with frozen(valkey):
        await one.kill()
        await asyncio.sleep(2 * LEASE_SECONDS)
    await other.sees(ROOM, *"cd")


async def test_asking_again_while_redis_is_away_fails_at_once(
    own_cluster: Cluster, valkey: Valkey
) -> None:
    worker = await own_cluster.worker()
    with frozen(valkey):
        with pytest.raises(REDIS_FAILURES):
            await worker.presence.read(ROOM)
        await until(lambda: worker.leases.away)
        with never_waiting(), pytest.raises(REDIS_FAILURES):
            await worker.presence.read(ROOM)
    await until(lambda: not worker.leases.away)
    assert await worker.presence.read(ROOM) == {}


async def test_a_redis_that_starts_anew_learns_of_everybody(tmp_path: Path) -> None:
    with own_valkey(tmp_path) as valkey:
        async with clustered(quick_settings(valkey.url), uuid4().hex) as cluster:
            one, other = await two_rooms(cluster)
            valkey.child.finish(0)
            one.enter(ROOM, "e")
            other.presence.leave(ROOM, "c")
            await until(lambda: one.leases.away and other.leases.away)
            valkey.launch(valkey.port)
            for worker in (one, other):
                await worker.sees(ROOM, *"abde")
                await until(lambda: worker.leases.calm)  # noqa: B023 - at once
                assert sorted(worker.told) == [(ROOM, "join", "e"), (ROOM, "leave", "c")]
            assert set(await other.presence.read(ROOM)) == set("abde")


async def test_an_error_in_what_is_told_does_not_end_presence(cluster: Cluster) -> None:
    worker = await cluster.worker()
    told: list[str] = []

    def fail_once(_channel: str, changes: Sequence[Told]) -> None:
        told.extend(change.kind for change in changes)
        if len(told) == 1:
            raise RuntimeError("a watcher's error")

    await worker.watch(ROOM)
    deafen(worker)
    worker.presence.on_change = fail_once
    worker.enter(ROOM, "a")
    await until(lambda: told == ["join"])
    worker.enter(ROOM, "b")
    await until(lambda: told == ["join", "join"])


async def test_a_redis_that_became_a_replica_is_left_for_its_successor(tmp_path: Path) -> None:
    with own_valkey(tmp_path / "former") as former, own_valkey(tmp_path / "next") as successor:
        async with ServerProxy(former.url) as address:
            settings = quick_settings(address.url)
            async with talking(successor.url) as redis:
                await redis.config_set("requirepass", urlsplit(former.url).password or "")
            async with clustered(settings, uuid4().hex) as cluster:
                one, other = await two_rooms(cluster)
                heard: list[bytes] = []
                other.broker.on_signal = lambda _channel, data: heard.append(data)
                await become_replica(former)
                await until(lambda: one.presence.away and other.presence.away)
                one.broker.signal(ROOM, b"by the former")
                await until(lambda: bool(heard))

                address.lead_to(successor.url)
                for worker in (one, other):
                    await worker.sees(ROOM, *"abcd")
                await until(lambda: not one.presence.away and not other.presence.away)
                one.presence.leave(ROOM, "a")
                await other.sees(ROOM, *"bcd")
                await eventually(partial(has_no_listeners, former))
                assert await other.broker.subscribe(ROOM)
                one.broker.signal(ROOM, b"by its successor")
                await until(lambda: len(heard) == 2)
