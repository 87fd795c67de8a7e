"""A hundred repeats of one request while workers die: one order, one event, equal answers."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from httpx import AsyncClient, AsyncHTTPTransport, HTTPError, Limits, Response

from tests.end_to_end.evidence import committed_orders, final_head
from tests.end_to_end.orders import BODY, bearer, place_order
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.stage import Stage
from tests.waiting import POLL_SECONDS

CALLERS = 100
ANSWER_SECONDS = 60.0

BEFORE_THE_COMMIT = ("idempotency.claimed", "idempotency.kept")
AFTER_THE_COMMIT = "relay.lock"
"""The relay's first moment: it goes before the request that nudged it, and that is not answered."""
RARELY = "60"
"""So that the relay of the other worker does not come to that moment first, on a sweep."""


async def test_two_workers_killed_before_their_commits_place_one_order(
    stage: Stage, tmp_path: Path
) -> None:
    armed = {point: tmp_path / point for point in BEFORE_THE_COMMIT}
    async with stage.serving(FAILPOINTS=failpoints(armed)) as server:
        token = await stage.token(server, "cleo")
        before = await warm_up(stage, server, token)
        for file in armed.values():
            file.touch()

        answers = await call_all(server, token, "a-key")

        assert [point for point, file in armed.items() if file.exists()] == []
        await assert_placed_once(stage, answers, before)


async def test_an_order_whose_answer_died_with_the_worker_is_answered_to_all_repeats(
    stage: Stage, tmp_path: Path
) -> None:
    armed = tmp_path / AFTER_THE_COMMIT
    points = failpoints({AFTER_THE_COMMIT: armed})
    async with stage.serving(FAILPOINTS=points, SWEEP_SECONDS=RARELY) as server:
        token = await stage.token(server, "cleo")
        before = await warm_up(stage, server, token)
        armed.touch()
        with pytest.raises(HTTPError):
            await post(stage.http, server, token, "a-key")
        assert len(await committed_orders(stage.database_url)) == len(before) + 1

        answers = await call_all(server, token, "a-key")

        await assert_placed_once(stage, answers, before)


def failpoints(armed: dict[str, Path]) -> str:
    return ",".join(f"{point}=kill@{file}" for point, file in armed.items())


async def warm_up(stage: Stage, server: ServerProcess, token: str) -> set[str]:
    """Every worker knows the caller, and every relay has its connection: the orders so far."""
    for _ in range(10):
        await place_order(stage.http, server.url, token)
    await final_head(stage.database_url)
    return set(await committed_orders(stage.database_url))


async def post(http: AsyncClient, server: ServerProcess, token: str, key: str) -> Response:
    headers = {**bearer(token), "Idempotency-Key": key}
    return await http.post(f"{server.url}/api/v1/orders", json=BODY, headers=headers)


async def call_all(server: ServerProcess, token: str, key: str) -> list[Response]:
    """A hundred callers at once; each sends the same again until there is an answer."""

    async def call(http: AsyncClient) -> Response:
        while True:
            try:
                return await post(http, server, token, key)
            except HTTPError:  # a worker died of it
                await asyncio.sleep(POLL_SECONDS)

    limits = Limits(max_connections=CALLERS)
    async with AsyncClient(transport=AsyncHTTPTransport(limits=limits), timeout=30) as http:
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


async def count(stage: Stage, table: str) -> int:
    connection = await asyncpg.connect(stage.database_url)
    try:
        where = " WHERE entity = 'order'" if table == "events" else ""
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}{where}"))  # noqa: S608 - ours
    finally:
        await connection.close()
