"""Thousands of clients drop at once and return: Postgres hardly notices, and those that stayed
are served nearly as before.

Events come over REST, a nudge with each: their delay is the point. The clients are of many users,
since each brings a channel and rights of its own.

The delay is also the machine's. Those that drop would be on other machines: here they give way to
the workers, whose cores they share. `core_had_*` tells for which part of the time that the workers
could have worked they had a core, and did not wait behind somebody else for one.
"""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from app.auth.principals import Role
from app.core.config import Settings
from app.core.database import create_engine, create_sessions
from tests.application import create_user
from tests.end_to_end.accounts import NO_FAULTS, Job
from tests.end_to_end.client import BACKOFF_SECONDS
from tests.end_to_end.figures import Figures, form
from tests.end_to_end.fleet import Fleet, fleet_of
from tests.end_to_end.orders import token_of
from tests.end_to_end.scrape import log_reads, troubles
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.stage import Stage
from tests.end_to_end.writers import posting

STORM = form(300, 2000)
STAY = form(50, 200)
STORMS = form(1, 3)
USERS = form(10, 50)
CALM_SECONDS = form(3.0, 10.0)
AFTER_SECONDS = 1.0
WARM_UP_SECONDS = 1.0
RATE = 20
HANDFUL = 5
TOLERATED_MS = 50.0


class Demand(NamedTuple):
    """Nanoseconds that the workers' event loops ran, and waited for a core, so far."""

    ran: int
    waited: int

    @classmethod
    def of(cls, server: ServerProcess) -> Self:
        """As the kernel counts it (Linux, "Scheduler Statistics", /proc/<pid>/schedstat)."""
        ran = waited = 0
        for worker in server.workers:
            with suppress(FileNotFoundError):  # it has ended, or this is no Linux
                counts = Path(f"/proc/{worker.pid}/schedstat").read_text().split()
                ran, waited = ran + int(counts[0]), waited + int(counts[1])
        return cls(ran, waited)

    def had_since(self, before: Self) -> float:
        """The share of that time in which they ran."""
        ran, waited = self.ran - before.ran, self.waited - before.waited
        return ran / (ran + waited) if ran > 0 else 0.0


pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


async def test_a_reconnect_storm_costs_a_handful_of_reads_and_delays_the_others_little(
    stage: Stage, figures: Figures
) -> None:
    async with stage.serving() as server:
        staff = await create_staff(stage.settings, USERS)
        tokens = [await token_of(stage.http, server.url, email) for email in staff]
        stay = Job(server.url, tokens[:1], "orders", STAY, seed=1)
        storm = Job(server.url, tokens, "orders", STORM, seed=2)
        async with fleet_of(stay) as staying, returning(storm) as dropping:
            async with posting(server.url, stage.people["staff"], RATE) as writer:
                await asyncio.sleep(WARM_UP_SECONDS)
                reads: list[float] = []
                had_calm: list[float] = []
                had_storm: list[float] = []
                for _ in range(STORMS):
                    staying.measure("calm")
                    begun = Demand.of(server)
                    await asyncio.sleep(CALM_SECONDS)  # what is measured is this stretch of time
                    before = await log_reads(stage.http, server.url)
                    calm_over = Demand.of(server)
                    staying.measure("storm")
                    await storm_over(dropping)
                    staying.measure("")
                    had_calm.append(calm_over.had_since(begun))
                    had_storm.append(Demand.of(server).had_since(calm_over))
                    reads.append(await log_reads(stage.http, server.url) - before)
            head = await stage.head()
            stayed, dropped = await staying.settle(head), await dropping.settle(head)
            back = dropping.subscribed
    calm, stormy = stayed.p99("calm"), stayed.p99("storm")
    figures.update(p99_calm_ms=calm, p99_storm_ms=stormy, log_reads=reads)
    figures.update(clients=STORM, returns=dropped.returns, ended=dropped.ended)
    figures.update(core_had_calm=had_calm, core_had_storm=had_storm)
    figures["logged"] = troubles(server)
    figures["failed_writes"] = writer.failures or "none"

    assert not writer.failed
    assert stayed.faults == dropped.faults == NO_FAULTS
    assert back == STORM
    assert dropped.returns >= STORM * STORMS
    assert stayed.returns == 0
    assert max(reads) <= HANDFUL
    assert stormy <= max(2 * calm, TOLERATED_MS)


def returning(storm: Job) -> AbstractAsyncContextManager[Fleet]:
    return fleet_of(storm, processes=2, gives_way=True)


async def storm_over(dropping: Fleet) -> None:
    """All drop, come back as SDKs do, and a little longer."""
    expected = dropping.returns + dropping.connections
    dropping.cut_all(BACKOFF_SECONDS)
    with suppress(TimeoutError):  # whoever is not back then is missing from `returns`
        await dropping.until(lambda: dropping.returns >= expected)
    await asyncio.sleep(AFTER_SECONDS)  # what is left of the storm counts, too


async def create_staff(settings: Settings, count: int) -> list[str]:
    """The e-mail addresses of so many new members of staff."""
    engine = create_engine(settings)
    sessions = create_sessions(engine)
    emails = [f"staff-{number}@tandem.example" for number in range(count)]
    for email in emails:
        await create_user(sessions, settings, email, Role.STAFF)
    await engine.dispose()
    return emails
