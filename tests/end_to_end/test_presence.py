"""Who is there: right after a worker was killed and after Redis forgot, and free while idle.

Many clients are present on one order on both workers; those who watch hold on to one worker, and
the other one is killed.
"""

import asyncio
import time
from contextlib import suppress

import psutil
import pytest

from tests.end_to_end.accounts import Job
from tests.end_to_end.faults import OwnValkey, own_valkey, replaced
from tests.end_to_end.figures import Figures, form
from tests.end_to_end.fleet import fleet_of
from tests.end_to_end.orders import place_order
from tests.end_to_end.scrape import held_by
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.stage import Stage
from tests.end_to_end.watcher import Watcher, watching
from tests.waiting import until

PRESENT = form(200, 1100)
"""On both workers together; the kernel gives each about half."""
DOOMED = form(75, 500)
WATCHERS = form(4, 20)
LEAVE_SECONDS = 5.0
LEASE_SECONDS = 3.0
WAIT_SECONDS = 15.0
IDLE = form(300, 2500)
IDLE_SECONDS = 12.0
"""So long that one renewal more or less of each worker does not count."""
QUIET_SECONDS = form(1.5, 4.0)

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


async def test_clients_of_a_killed_worker_leave_within_5_s_with_or_without_a_flush(
    stage: Stage, figures: Figures
) -> None:
    async with (
        own_valkey(stage.directory / "valkey") as valkey,
        stage.serving(redis_url=valkey.url) as server,
    ):
        token = await stage.token(server, "staff")
        order = await place_order(stage.http, server.url, token)
        job = Job(server.url, [token], f"orders:{order['id']}", PRESENT, comes_back=False)
        surviving = min(server.ready_workers)
        async with watching(
            server, token, job.channel, count=WATCHERS, worker=surviving
        ) as watchers:
            plain = await kill_the_other(server, job, surviving, watchers)
            flushed = await kill_the_other(server, job, surviving, watchers, valkey)
    figures.update(last_leave_s=plain, last_leave_after_flush_s=flushed, watchers=WATCHERS)

    assert max(plain, flushed) <= LEAVE_SECONDS


async def kill_the_other(
    server: ServerProcess,
    job: Job,
    surviving: int,
    watchers: list[Watcher],
    flushes: OwnValkey | None = None,
) -> float:
    """Clients come, their worker is killed; the seconds until the last watcher's last leave.

    At each step every view must equal what `presence` answers.
    """
    before = len(watchers[0].view)
    async with fleet_of(job, processes=2) as fleet:
        held = held_by(server, await fleet.ports())
        (doomed,) = held.keys() - {surviving}
        assert len(held[doomed]) >= DOOMED
        await all_see(watchers, before + PRESENT)
        if flushes is not None:
            await flush_unseen(flushes, watchers)
        ready, killed = server.ready_workers, time.monotonic()
        psutil.Process(doomed).kill()
        await all_see(watchers, before + len(held[surviving]))
        seconds = max(each.last_push for each in watchers) - killed
        await until(lambda: replaced(server, ready))
    await all_see(watchers, before)
    return seconds


async def all_see(watchers: list[Watcher], count: int) -> None:
    """Every watcher's view holds so many, and is what the server answers."""
    with suppress(TimeoutError):
        await until(lambda: all(len(each.view) == count for each in watchers), WAIT_SECONDS)
    seen = [len(each.view) for each in watchers]
    answered = [await each.presence() for each in watchers]
    assert (seen, [len(answer) for answer in answered]) == ([count] * WATCHERS,) * 2
    assert answered == [each.view for each in watchers]


async def flush_unseen(valkey: OwnValkey, watchers: list[Watcher]) -> None:
    """Redis forgets everything; what the workers write again is no join and no leave."""
    pushes = [each.pushes for each in watchers]
    await valkey.flush()
    await asyncio.sleep(LEASE_SECONDS + 1)  # each worker renews its lease within this time
    for each in watchers:
        assert await each.presence() == each.view
    assert [each.pushes for each in watchers] == pushes


async def test_idle_connections_cost_redis_nothing(stage: Stage, figures: Figures) -> None:
    async with (
        own_valkey(stage.directory / "valkey") as valkey,
        stage.serving(redis_url=valkey.url) as server,
    ):
        token = await stage.token(server, "staff")
        order = await place_order(stage.http, server.url, token)
        job = Job(server.url, [token], f"orders:{order['id']}", IDLE)
        async with fleet_of(job, processes=2):
            half = await commands_per_second(valkey)
            async with fleet_of(job, processes=2):
                full = await commands_per_second(valkey)
    figures.update({f"commands_s_at_{IDLE}": half, f"commands_s_at_{2 * IDLE}": full})

    assert abs(full - half) <= max(0.1 * half, 2.0)


async def commands_per_second(valkey: OwnValkey) -> float:
    """Once it is quiet: those who came have been counted in."""
    await asyncio.sleep(QUIET_SECONDS)
    before, begun = await valkey.commands(), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)  # what is measured is this stretch of time
    return (await valkey.commands() - before) / (time.monotonic() - begun)
