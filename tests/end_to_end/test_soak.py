"""Everything fails at once, again and again, and no client loses, repeats or reorders anything.

Events are recorded straight into Postgres: what counts here is not when they arrive, and writers
that have to wait for a dying worker would write little while it matters.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from tests.end_to_end.accounts import NO_FAULTS, Job
from tests.end_to_end.faults import OwnValkey, kill_and_wait, own_valkey
from tests.end_to_end.figures import Figures, form
from tests.end_to_end.fleet import fleet_of
from tests.end_to_end.scrape import troubles
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.stage import Stage
from tests.end_to_end.writers import recording

CLIENTS = form(100, 500)
SECONDS = form(15.0, 60.0)
ROUNDS = form(1, 3)
SEEDS = form([1], [1, 2, 3])
RATE = 50
AWAY_SECONDS = 5.0
CUT_EVERY_SECONDS = 10.0

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


@pytest.mark.parametrize("seed", SEEDS)
async def test_cuts_kills_and_faults_of_redis_lose_repeat_and_reorder_nothing(
    seed: int, stage: Stage, figures: Figures
) -> None:
    async with (
        own_valkey(stage.directory / "valkey") as valkey,
        stage.serving(redis_url=valkey.url, SWEEP_SECONDS="0.05") as server,
    ):
        token = await stage.token(server, "staff")
        job = Job(server.url, [token], "orders", CLIENTS, seed=seed)
        async with fleet_of(job, processes=2) as fleet:
            async with recording(stage.database_url, RATE):
                fleet.cuts(every=CUT_EVERY_SECONDS, away=AWAY_SECONDS)
                faults = await wreak(Random(seed), server, valkey)
                fleet.end_cuts()
            head = await stage.head()
            tally = await fleet.settle(head)
            back = fleet.subscribed
    figures.update(tally.faults, events=head, clients=CLIENTS, cuts=tally.cuts)
    figures.update(returns=tally.returns, received=tally.received, ended=tally.ended)
    figures["logged"] = troubles(server)
    figures["faults"] = ", ".join(faults)

    assert tally.faults == NO_FAULTS
    assert back == CLIENTS
    assert head >= 0.9 * RATE * SECONDS
    assert tally.cuts >= 0.5 * CLIENTS * SECONDS / (CUT_EVERY_SECONDS + AWAY_SECONDS / 2)


async def wreak(chance: Random, server: ServerProcess, valkey: OwnValkey) -> list[str]:
    """Each fault at random moments of SECONDS; what was done, in its order."""
    killing = asyncio.Lock()

    async def kill() -> None:
        async with killing:  # one of two is always there
            await kill_and_wait(server, chance.randrange(2))

    faults: dict[str, Callable[[], Awaitable[None]]] = {
        "kill": kill,
        "restart": lambda: valkey.restart(chance.uniform(0, 2)),
        "freeze": lambda: valkey.freeze(chance.uniform(1, 4)),
        "flush": valkey.flush,
    }
    done: list[str] = []

    async def do(name: str, after: float) -> None:
        await asyncio.sleep(after)  # the moment is what is random here
        done.append(name)
        await faults[name]()

    async with asyncio.TaskGroup() as doing:
        doing.create_task(asyncio.sleep(SECONDS))
        for _ in range(ROUNDS):
            for name in faults:
                doing.create_task(do(name, chance.uniform(0.05, 0.8) * SECONDS))
    return done
