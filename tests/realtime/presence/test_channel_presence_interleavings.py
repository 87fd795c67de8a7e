"""Presence at random: workers are killed, Redis is emptied, hangs, and loses messages.

In the end whoever replays joins and leaves has what `read` says, and that is who is there.
"""

import asyncio
from functools import partial
from random import Random
from uuid import uuid4

import pytest

from app.core.unavailable import REDIS_FAILURES
from app.embedded import Valkey
from tests.realtime.brokers import cut_links, frozen, talking
from tests.realtime.presences import (
    LEASE_SECONDS,
    Cluster,
    Worker,
    clustered,
    eventually,
    quick_settings,
)
from tests.waiting import until

CHANNELS = ("red", "green")
STEPS = 150
WORKERS = 3
LAST_MOVES = 20
LOSS = 0.4
ACTIONS = {
    "enter": 40,
    "leave": 25,
    "come_back": 10,
    "watch": 24,
    "unwatch": 4,
    "read": 10,
    "pause": 40,
    "kill": 2,
    "drain": 1,
    "empty": 2,
    "cut": 2,
    "freeze": 1,
}


class Story:
    """What happens, and who is really there: for each worker its clients, for each channel."""

    def __init__(self, seed: int, cluster: Cluster, valkey: Valkey) -> None:
        self.random = Random(seed)
        self.cluster = cluster
        self.valkey = valkey
        self.there: dict[int, set[tuple[str, str]]] = {}
        self.workers: dict[int, Worker] = {}
        self.losing = True
        self.numbers = iter(range(10**6))

    async def open(self) -> None:
        """Another worker, which does not hear everything."""
        worker = await self.cluster.worker()
        hear = worker.broker.on_presence

        def hear_some(channel: str, data: bytes) -> None:
            if not self.losing or self.random.random() > LOSS:
                hear(channel, data)

        worker.broker.on_presence = hear_some
        number = next(self.numbers)
        self.workers[number], self.there[number] = worker, set()

    def present(self, channel: str) -> set[str]:
        return {
            client for here in self.there.values() for where, client in here if where == channel
        }

    async def step(self) -> None:
        action = self.random.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        number = self.random.choice(list(self.workers))
        channel = self.random.choice(CHANNELS)
        if action in {"enter", "leave", "come_back"}:
            self.move(action, number, channel)
        elif action in {"watch", "unwatch", "read"}:
            await self.look(action, self.workers[number], channel)
        elif action in {"kill", "drain"}:
            await self.close(action, number)
        else:
            await self.harm(action)

    def move(self, action: str, number: int, channel: str) -> None:
        worker, here = self.workers[number], self.there[number]
        if action == "enter":
            client = f"c{next(self.numbers)}"
            worker.enter(channel, client)
            here.add((channel, client))
        elif here:
            where, client = self.random.choice(sorted(here))
            worker.presence.leave(where, client)
            if action == "come_back":
                worker.enter(where, client)
            else:
                here.remove((where, client))

    async def look(self, action: str, worker: Worker, channel: str) -> None:
        if action == "unwatch":
            worker.presence.unwatch(channel)
            worker.replay.pop(channel, None)
            return
        try:
            if action == "watch" and channel not in worker.replay:
                await worker.watch(channel)
            there = set(await worker.presence.read(channel))
        except REDIS_FAILURES:
            return
        assert there == worker.replay.get(channel, there)

    async def close(self, action: str, number: int) -> None:
        worker = self.workers.pop(number)
        del self.there[number]
        await (worker.kill() if action == "kill" else worker.end())
        await self.open()

    async def harm(self, action: str) -> None:
        url = self.cluster.settings.redis_url
        if action == "empty":
            async with talking(url) as redis:
                await redis.flushall()
                await redis.script_flush()
        elif action == "cut":
            await cut_links(url)
        elif action == "freeze":
            with frozen(self.valkey):
                await asyncio.sleep(self.random.choice([0.2, 2 * LEASE_SECONDS]))
        else:
            await asyncio.sleep(self.random.choice([0, 0.001, 0.02, 0.1]))

    async def finish(self) -> None:
        """Everybody watches everything, people move once more, and not all of it is heard."""
        for worker in self.workers.values():
            for channel in CHANNELS:
                await eventually(partial(self.comes_to_watch, worker, channel))
        for _ in range(LAST_MOVES):
            number = self.random.choice(list(self.workers))
            self.move(self.random.choice(["enter", "leave"]), number, CHANNELS[0])
            await asyncio.sleep(0.002)
        await eventually(self.all_is_written)
        self.losing = False

    async def comes_to_watch(self, worker: Worker, channel: str) -> bool:
        await self.look("watch", worker, channel)
        return channel in worker.replay

    async def all_is_written(self) -> bool:
        return not any(worker.leases.entries.unwritten for worker in self.workers.values())

    def all_know(self) -> bool:
        """Whether all who watch believe the truth."""
        return all(
            there == self.present(channel)
            for worker in self.workers.values()
            for channel, there in worker.replay.items()
        )

    async def all_say(self) -> bool:
        """Whether all who are asked say the truth."""
        for worker in self.workers.values():
            for channel in CHANNELS:
                try:
                    there = set(await worker.presence.read(channel))
                except REDIS_FAILURES:
                    return False
                if there != self.present(channel):
                    return False
        return True

    async def all_leases_hold_something(self) -> bool:
        """Whether Redis has entries under just so many leases as there are workers with clients."""
        pattern = f"tandem:{self.cluster.epoch}:entries:*"
        async with talking(self.cluster.settings.redis_url) as redis:
            leases = {key async for key in redis.scan_iter(pattern)}
        return len(leases) == sum(bool(here) for here in self.there.values())


@pytest.mark.parametrize("seed", range(6))
async def test_in_the_end_everybody_knows_who_is_there(seed: int, valkey: Valkey) -> None:
    async with clustered(quick_settings(valkey.url), uuid4().hex) as cluster:
        story = Story(seed, cluster, valkey)
        for _ in range(WORKERS):
            await story.open()
        for _ in range(STEPS):
            await story.step()
        await story.finish()
        await until(story.all_know, 20)  # without anybody asking, which would put things right
        await eventually(story.all_say, 20)
        assert story.all_know()
        await eventually(story.all_leases_hold_something)
        assert [worker.odd for worker in story.workers.values() if worker.odd] == []
