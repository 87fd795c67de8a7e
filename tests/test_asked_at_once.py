"""/ready and /metrics: many who ask at once cost no more than few."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from httpx import AsyncClient
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app.core import metrics
from app.core.shared_answer import SharedAnswer
from app.health import Probes, Readiness
from tests.application import Application
from tests.waiting import until

WAIT_SECONDS = 10.0
"""For a loop that stands still: it would never let go."""


async def test_who_asks_for_ready_meanwhile_shares_the_answer(
    application: Application, client: AsyncClient
) -> None:
    probes, asked = application.state["probes"], 0
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def make() -> Readiness:
        nonlocal asked
        asked += 1
        begun.set()
        await go_on.wait()
        answer: Readiness = await probes.get()
        return answer

    application.state["probes"] = Probes(make)
    asking = [asyncio.create_task(client.get("/ready")) for _ in range(50)]
    await begun.wait()
    go_on.set()

    assert {answer.status_code for answer in await asyncio.gather(*asking)} == {200}
    assert asked == 1


async def test_many_who_ask_for_metrics_at_once_cost_no_more_than_two(
    application: Application, client: AsyncClient
) -> None:
    """One for the first, and one for all who came while that was made."""
    shared, begun = application.state["exposition"], 0

    async def make() -> Any:
        nonlocal begun
        begun += 1
        await asyncio.sleep(0)
        return await shared.get()

    application.state["exposition"] = SharedAnswer(make, 0)
    answers = await asyncio.gather(*(client.get("/metrics") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert 1 <= begun <= 2


class Lasting(Collector):
    """A figure that takes until it is let go to read."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.was_let_go = False

    def describe(self) -> Iterator[Metric]:
        yield Metric("lasting", "Of a test", "gauge")

    def collect(self) -> Iterator[Metric]:
        self.begun.set()
        self.was_let_go = self.go_on.wait(WAIT_SECONDS)
        yield from self.describe()


@pytest.fixture
def lasting() -> Iterator[Lasting]:
    collector = Lasting()
    REGISTRY.register(collector)
    yield collector
    REGISTRY.unregister(collector)


async def test_the_loop_goes_on_while_metrics_are_read(
    client: AsyncClient, lasting: Lasting
) -> None:
    reading = asyncio.create_task(client.get("/metrics"))
    await until(lasting.begun.is_set)
    lasting.go_on.set()

    assert (await reading).status_code == 200
    assert lasting.was_let_go


async def test_metrics_hold_what_was_counted_a_moment_before(client: AsyncClient) -> None:
    before = metrics.EVENTS.total
    metrics.EVENTS.inc()
    exposition = (await client.get("/metrics")).text

    assert f"tandem_events_total {before + 1:.1f}" in exposition.splitlines()
