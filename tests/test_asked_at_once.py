"""/ready and /metrics: many who ask at once cost no more than few."""

import asyncio
from typing import Any

from httpx import AsyncClient

from app.core.shared_answer import SharedAnswer
from app.health import Probes, Readiness
from tests.application import Application


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
