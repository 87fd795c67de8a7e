"""A repeat waits for whoever has its key, but not for ever, and takes the pool from nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from httpx import AsyncClient, Response

from app.auth.principals import Role
from app.core.config import Settings
from app.core.failpoints import Failpoints
from app.core.idempotency import IdempotencyTurns
from tests.application import Application, Person, join
from tests.orders.shop import ORDERS, POLL_SECONDS, WAIT_SECONDS, a_body, problem

POOL_SIZE = 3
REPEATS = 30
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"database_pool_size": POOL_SIZE})


@pytest.fixture
async def cleo(application: Application, client: AsyncClient) -> Person:
    return await join(application, client, "cleo", Role.CUSTOMER)


async def post(client: AsyncClient, person: Person) -> Response:
    headers = {**person.headers, "Idempotency-Key": "a-key"}
    return await client.post(ORDERS, json=a_body(), headers=headers)


@asynccontextmanager
async def holding(settings: Settings, person: Person) -> AsyncIterator[Any]:
    """Another transaction that has the person's key: the connection, in that transaction."""
    connection = await asyncpg.connect(settings.database_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(
        "INSERT INTO idempotency_keys (user_id, key, fingerprint) VALUES ($1, 'a-key', '')",
        person.id,
    )
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


async def until_waiting(connection: Any) -> int:
    """Until somebody waits for a lock in Postgres: how many do."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not (waiting := await connection.fetchval(WAITING)):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
    return int(waiting)


async def test_a_repeat_waits_and_goes_on_when_the_other_one_failed(
    settings: Settings, client: AsyncClient, cleo: Person
) -> None:
    async with holding(settings, cleo) as other:
        waiting = asyncio.create_task(post(client, cleo))
        await until_waiting(other)
        assert not waiting.done()

    assert (await waiting).status_code == 201


async def test_many_repeats_that_wait_leave_the_pool_to_others(
    settings: Settings, client: AsyncClient, cleo: Person
) -> None:
    async with holding(settings, cleo) as other:
        repeats = [asyncio.create_task(post(client, cleo)) for _ in range(REPEATS)]
        assert await until_waiting(other) == 1
        listed = await client.get(ORDERS, headers=cleo.headers)

    answers = await asyncio.gather(*repeats)
    assert listed.status_code == 200
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (201, answers[0].content)
    }


async def test_nobody_waits_longer_than_the_limit(
    settings: Settings, application: Application, client: AsyncClient, cleo: Person
) -> None:
    """Neither the one who waits in Postgres nor those behind it."""
    application.state["idempotency"] = IdempotencyTurns(Failpoints(), wait_seconds=0.1)
    async with holding(settings, cleo):
        answers = await asyncio.gather(*(post(client, cleo) for _ in range(REPEATS)))

    for answer in answers:
        problem(answer, 409, "idempotency_key_in_use")
        assert answer.headers["Retry-After"] == "1"
    assert (await post(client, cleo)).status_code == 201


async def test_the_limit_on_waiting_is_for_the_key_alone(
    settings: Settings, application: Application, client: AsyncClient, cleo: Person
) -> None:
    """What comes later in the transaction waits as it does without a key: here for the user."""
    application.state["idempotency"] = IdempotencyTurns(Failpoints(), wait_seconds=0.05)
    blocker = await asyncpg.connect(settings.database_url)
    try:
        async with blocker.transaction():
            await blocker.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", cleo.id)
            placing = asyncio.create_task(post(client, cleo))
            await until_waiting(blocker)
            done, _ = await asyncio.wait([placing], timeout=0.2)  # four times the limit
            assert not done
    finally:
        await blocker.close()

    assert (await placing).status_code == 201
