"""A hundred thousand commands, most of them broken: each is answered as the contract says."""

import asyncio
import re
from collections.abc import Iterator
from random import Random
from uuid import UUID, uuid4

import psutil
import pytest

from load.websocket import Address
from tests.end_to_end.figures import Figures, form
from tests.end_to_end.mutations import Mutations
from tests.end_to_end.orders import place_order
from tests.end_to_end.prober import BEFORE, Prober
from tests.end_to_end.scrape import resident_mb
from tests.end_to_end.stage import Stage

COMMANDS = form(3_000, 100_000)
WARM_UP = COMMANDS // 3
AT_ONCE = 16
PER_CONNECTION = 50
GROWTH_MB = 5.0
SHOWN = 10
SHOWN_CHARACTERS = 2_000

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


async def test_whatever_is_sent_the_answer_is_one_of_the_contract(
    stage: Stage, figures: Figures
) -> None:
    async with stage.serving(workers=1) as server:
        token = await stage.token(server, "staff")
        order = UUID((await place_order(stage.http, server.url, token))["id"])
        fuzz = Fuzz(Address.of(server.url, "/ws"), token, order)
        worker = psutil.Process(server.workers[0].pid)
        await fuzz.run(WARM_UP, seed=1)
        before = resident_mb(worker)
        await fuzz.run(COMMANDS - WARM_UP, seed=2)
        growth = resident_mb(worker) - before
        alive = worker.is_running()
    complaints = complaints_of(server.log)
    figures.update(commands=fuzz.sent, connections=fuzz.connections, growth_mb=growth)
    figures.update(off_contract=len(fuzz.wrong), logged_errors=len(complaints))

    assert alive
    assert not fuzz.wrong + complaints, "\n".join(distinct(fuzz.wrong) + distinct(complaints))
    assert growth < GROWTH_MB


def complaints_of(log: list[str]) -> list[str]:
    """Errors and tracebacks, each with the lines after it that are no line of the log."""
    found: list[str] = []
    for line in log:
        if line.startswith("Traceback") or '"ERROR"' in line:
            found.append(line)
        elif found and not line.startswith("{"):
            found[-1] += line
    return found


def distinct(lines: list[str]) -> list[str]:
    """A few of them, no two of which differ in their numbers, or in what was before, only."""
    found = {
        re.sub(r"\d+", "0", line.partition(BEFORE)[0]): line[-SHOWN_CHARACTERS:] for line in lines
    }
    return list(found.values())[:SHOWN]


class Fuzz:
    def __init__(self, address: Address, token: str, order: UUID) -> None:
        self.sent = 0
        self.connections = 0
        self.wrong: list[str] = []
        self._address = address
        self._token = token
        self._order = order

    async def run(self, count: int, *, seed: int) -> None:
        left = iter(range(count))
        async with asyncio.TaskGroup() as probing:
            for nth in range(AT_ONCE):
                chance = Random(seed * 1000 + nth)
                mutations = Mutations(chance, self._token, self._order, uuid4())
                probing.create_task(self._probe(left, mutations))

    async def _probe(self, left: Iterator[int], mutations: Mutations) -> None:
        """One connection after the other, until the count is used up."""
        while (mutation := next(left, None)) is not None:
            prober = Prober()
            await prober.open(self._address)
            self.connections += 1
            self.sent += 1
            going = await prober.connect(*mutations.token(self._token))
            budget = PER_CONNECTION
            while going and budget and mutation is not None:
                budget -= 1
                self.sent += 1
                going = await prober.send(mutations.next())
                mutation = next(left, None) if going and budget else None
            prober.leave()
            self.wrong += prober.wrong
