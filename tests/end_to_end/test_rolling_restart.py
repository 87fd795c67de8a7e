"""One worker after the other is told to end and replaced; no client misses anything.

Events are recorded straight into Postgres: what counts is that they arrive, not when.
"""

import time

import psutil
import pytest

from tests.end_to_end.accounts import NO_FAULTS, Job
from tests.end_to_end.faults import replaced
from tests.end_to_end.figures import Figures, form
from tests.end_to_end.fleet import Fleet, fleet_of
from tests.end_to_end.scrape import held_by, troubles
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.stage import Stage
from tests.end_to_end.writers import recording
from tests.processes import alive
from tests.waiting import until

CLIENTS = form(100, 1000)
DRAIN_SECONDS = form(3, 10)
RATE = 50
END_SECONDS = 5.0
BUSIEST_TENTH = 0.25
SHUTDOWN = "close 3001"
REFUSED = ("refused 503", "refused 0")
"""Handshakes with a worker that ends; 0: its listener was closed before it looked at them."""

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


async def test_workers_replaced_under_load_drain_evenly_and_lose_nothing(
    stage: Stage, figures: Figures
) -> None:
    async with stage.serving(SWEEP_SECONDS="0.05", DRAIN_SECONDS=str(DRAIN_SECONDS)) as server:
        token = await stage.token(server, "staff")
        job = Job(server.url, [token], "orders", CLIENTS)
        async with fleet_of(job, processes=2) as fleet:
            async with recording(stage.database_url, RATE):
                exits, busiest, missed = [], [], []
                for pid in sorted(server.ready_workers):
                    begun, held = now(), len(held_by(server, await fleet.ports())[pid])
                    exits.append(await replace_worker(server, pid))
                    closes = [each for each in await shutdowns(fleet) if each >= begun]
                    busiest.append(busiest_tenth(closes, begun))
                    missed.append(float(held - len(closes)))
                    await fleet.all_subscribed()
            tally = await fleet.settle(await stage.head())
            back = fleet.subscribed
    figures.update(tally.faults, exit_s=exits, busiest_tenth=busiest, not_told=missed)
    figures["logged"] = troubles(server)
    figures.update(clients=CLIENTS, returns=tally.returns, ended=tally.ended)

    assert tally.faults == NO_FAULTS
    assert back == CLIENTS
    assert max(exits) <= DRAIN_SECONDS + END_SECONDS
    assert max(busiest) < BUSIEST_TENTH
    assert max(missed) <= 0
    assert set(tally.ends) <= {SHUTDOWN, *REFUSED}, tally.ended


async def replace_worker(server: ServerProcess, pid: int) -> float:
    """SIGTERM; the seconds until it has ended. Its successor serves afterwards."""
    before, worker, begun = server.ready_workers, psutil.Process(pid), time.monotonic()
    worker.terminate()
    await until(lambda: not alive(worker), DRAIN_SECONDS + END_SECONDS + 10)
    seconds = time.monotonic() - begun
    await until(lambda: replaced(server, before))
    return seconds


async def shutdowns(fleet: Fleet) -> list[int]:
    """When clients were told to go to another worker."""
    return (await fleet.tally(0)).ends.get(SHUTDOWN, [])


def busiest_tenth(moments: list[int], begun: int) -> float:
    """The share of the moments that fell into one tenth of DRAIN_SECONDS; 1 if there are none."""
    tenth = DRAIN_SECONDS * 100_000
    slots = [min((moment - begun) // tenth, 9) for moment in moments]
    return max((slots.count(slot) / len(slots) for slot in set(slots)), default=1.0)


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
