"""A hundred repeats of one request while a worker dies: one order, one event, equal answers."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from httpx import AsyncClient, AsyncHTTPTransport, HTTPError, Limits, Response

from tests.end_to_end.evidence import committed_orders, final_head
from tests.end_to_end.faults import replaced
from tests.end_to_end.orders import BODY, bearer, place_order
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.stage import Stage
from tests.waiting import POLL_SECONDS, until

CALLERS = 100
ANSWER_SECONDS = 30.0

# Before the order, before the commit, and after it but before the answer: the relay's first
# moment, which comes before that of the request that nudged it.
POINTS = ["idempotency.claimed", "idempotency.kept", "relay.lock"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("workers", [1, 2])
async def test_a_worker_killed_at_the_worst_moments_leaves_one_order_and_equal_answers(
    stage: Stage, tmp_path: Path, workers: int, point: str
) -> None:
    armed = tmp_path / "armed"
    async with stage.serving(workers=workers, FAILPOINTS=f"{point}=kill@{armed}") as server:
        token = await stage.token(server, "cleo")
        before = await warm_up(stage, server, token)
        ready = server.ready_workers
        armed.touch()

        answers = await call_all(server, token)

        assert not armed.exists()
        await until(lambda: replaced(server, ready))
        await assert_placed_once(stage, answers, before)


async def test_two_workers_answer_a_hundred_repeats_alike(stage: Stage) -> None:
    async with stage.serving(workers=2) as server:
        token = await stage.token(server, "cleo")
        before = await warm_up(stage, server, token)

        answers = await call_all(server, token)

        await assert_placed_once(stage, answers, before)


async def warm_up(stage: Stage, server: ServerProcess, token: str) -> set[str]:
    """Every worker knows the caller, and every relay has its connection: the orders so far."""
    for _ in range(10):
        await place_order(stage.http, server.url, token)
    await final_head(stage.database_url)
    return set(await committed_orders(stage.database_url))


async def call_all(server: ServerProcess, token: str) -> list[Response]:
    """Each caller sends the same again until there is an answer."""
    headers = {**bearer(token), "Idempotency-Key": "a-key"}
    url = f"{server.url}/api/v1/orders"

    async def call(http: AsyncClient) -> Response:
        while True:
            try:
                return await http.post(url, json=BODY, headers=headers)
            except HTTPError:  # the worker died of it
                await asyncio.sleep(POLL_SECONDS)

    limits = Limits(max_connections=CALLERS)
    async with AsyncClient(transport=AsyncHTTPTransport(limits=limits), timeout=10) as http:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await asyncio.gather(*(call(http) for _ in range(CALLERS)))


async def assert_placed_once(stage: Stage, answers: list[Response], before: set[str]) -> None:
    """One order, one event, and one answer, given to all."""
    told = {
        (answer.status_code, answer.content, answer.headers["ETag"], answer.headers["Location"])
        for answer in answers
    }
    assert len(told) == 1
    assert answers[0].status_code == 201
    assert set(await committed_orders(stage.database_url)) - before == {answers[0].json()["id"]}
    assert await count(stage, "orders") == await count(stage, "events") == len(before) + 1
    assert await stage.head() >= 0


async def count(stage: Stage, table: str) -> int:
    connection = await asyncpg.connect(stage.database_url)
    try:
        where = " WHERE entity = 'order'" if table == "events" else ""
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}{where}"))  # noqa: S608 - ours
    finally:
        await connection.close()
