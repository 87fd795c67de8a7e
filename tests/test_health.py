"""/health: the process lives. /ready: what it needs is there, and what is missing is named."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from httpx import ASGITransport, AsyncClient, Response

from app import migrations
from app.core.config import Settings
from app.core.locks import RELAY_LOCK
from app.embedded import Services, Valkey
from tests.application import Application, readiness, run_application
from tests.databases import CUT_OFF, own_database, without_temporary
from tests.realtime.brokers import talking
from tests.realtime.server_proxy import ServerProxy

NOBODY_LISTENS = "redis://127.0.0.1:1/0"
CHECKS = ["postgres", "redis", "migrations", "relay"]

OLD_EVENT = """
    WITH event AS (
        INSERT INTO events (event_id, type, entity, entity_id, version, channels, changed,
                            payload, created_at)
        VALUES (gen_random_uuid(), 'order.updated', 'order', gen_random_uuid(), 1, '{orders}',
                '{}', '{}', clock_timestamp() - interval '10 s')
        RETURNING id)
    INSERT INTO pending SELECT id FROM event
"""


@pytest.fixture
async def database(template: Services) -> AsyncIterator[str]:
    """One that a test may spoil."""
    async with own_database(template) as url:
        yield url


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[Application, AsyncClient]]:
    async with run_application(settings) as application:
        transport = ASGITransport(app=application.asgi, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            yield application, client


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        yield connection
    finally:
        await connection.close()


def failing(answer: Response) -> dict[str, str]:
    """What is not as it should be: its detail, by check."""
    checks = answer.json()["checks"]
    return {name: check["detail"] for name, check in checks.items() if not check["ok"]}


async def test_a_process_that_lives_says_so(client: AsyncClient) -> None:
    answer = await client.get("/health")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_what_is_ready_says_so_in_exactly_the_shape_of_the_contract(
    client: AsyncClient,
) -> None:
    answer = await readiness(client)

    assert answer.status_code == 200
    assert list(answer.json()) == ["status", "checks"]
    assert list(answer.json()["checks"]) == CHECKS
    for check in answer.json()["checks"].values():
        assert check.keys() == {"ok", "detail"}
        assert check["ok"] is True
        assert check["detail"]


async def test_without_redis_it_is_degraded_and_serves_on(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": NOBODY_LISTENS})
    async with serving(away) as (_application, client):
        answer = await readiness(client, "degraded")
        page = await client.get("/")

    assert answer.status_code == 200
    assert failing(answer).keys() == {"redis"}
    assert page.status_code == 200


async def test_a_redis_that_only_reads_is_degraded_until_it_writes_again(
    settings: Settings, valkey: Valkey
) -> None:
    """As a primary that became a replica: it answers, and publishes, but keeps nothing."""
    own = settings.model_copy(update={"redis_url": valkey.url, "lease_seconds": 0.6})
    async with serving(own) as (_application, client), talking(valkey.url) as redis:
        await redis.replicaof("127.0.0.1", "1")
        only_reads = await readiness(client, "degraded")
        await redis.replicaof("NO", "ONE")
        writes = await readiness(client)

    assert failing(only_reads) == {"redis": "answers, but does not keep who is present"}
    assert writes.json()["checks"]["redis"]["ok"]


async def test_without_postgres_it_is_down_but_lives(settings: Settings) -> None:
    async with AsyncExitStack() as way:
        proxy = await way.enter_async_context(ServerProxy(settings.database_url))
        proxied = settings.model_copy(update={"database_url": proxy.url})
        async with serving(proxied) as (_application, client):
            before = await readiness(client)
            await way.aclose()
            answer = await client.get("/ready")
            alive = await client.get("/health")

    assert before.status_code == 200
    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert failing(answer).keys() == {"postgres", "migrations"}
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


async def test_a_call_without_postgres_is_told_to_come_back(settings: Settings) -> None:
    async with AsyncExitStack() as way:
        proxy = await way.enter_async_context(ServerProxy(settings.database_url))
        proxied = settings.model_copy(update={"database_url": proxy.url})
        async with serving(proxied) as (_application, client):
            await way.aclose()
            form = {"username": "cleo@tandem.example", "password": "tandem-demo"}
            answer = await client.post("/api/v1/auth/token", data=form)

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("statement", "present"),
    [
        ("UPDATE alembic_version SET version_num = '0000'", "0000"),
        ("UPDATE alembic_version SET version_num = 'ae1027a6acf2'", "ae1027a6acf2"),
        ("DROP TABLE alembic_version", "nothing"),
    ],
)
async def test_a_database_of_another_schema_is_down_and_says_what_to_do(
    settings: Settings, client: AsyncClient, statement: str, present: str
) -> None:
    async with connected(settings) as connection:
        await readiness(client)
        await connection.execute(statement)

    answer = await client.get("/ready")

    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    newest = migrations.newest_revision()
    assert failing(answer) == {
        "migrations": f"at {present}, {newest} is needed: run `python -m app migrate`"
    }


async def test_requests_that_use_up_the_pool_do_not_make_it_down(settings: Settings) -> None:
    small = settings.model_copy(update={"database_pool_size": 1})
    async with serving(small) as (application, client), application.sessions() as session:
        await readiness(client)
        await session.connection()

        answer = await client.get("/ready")

    assert (answer.status_code, failing(answer)) == (200, {})


async def test_the_schema_of_a_later_release_is_ok_and_is_told(
    settings: Settings, client: AsyncClient
) -> None:
    """Its `migrate` comes first, while the workers of this release serve on."""
    async with connected(settings) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")

    answer = await readiness(client)

    newest = migrations.newest_revision()
    assert answer.status_code == 200
    assert answer.json()["checks"]["migrations"] == {
        "ok": True,
        "detail": f"at 9999, newer than this release's {newest}",
    }


async def test_it_starts_without_any_table_and_says_that_they_are_missing(
    settings: Settings,
) -> None:
    async with connected(settings) as connection:
        await connection.execute("DROP SCHEMA public CASCADE")
        await connection.execute("CREATE SCHEMA public")

    async with serving(settings) as (_application, client):
        answer = await client.get("/ready")

    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert failing(answer)["migrations"].startswith("at nothing, ")


async def test_a_relay_that_does_not_keep_up_is_degraded_until_it_does(
    settings: Settings,
) -> None:
    """Somebody else holds the relay's lock, and an event has been waiting for 10 s."""
    quick = settings.model_copy(update={"sweep_seconds": 0.05})
    async with connected(settings) as holder, serving(quick) as (_application, client):
        await holder.execute("SELECT pg_advisory_lock($1)", RELAY_LOCK)
        await holder.execute(OLD_EVENT)
        behind = await readiness(client, "degraded")
        await holder.execute("SELECT pg_advisory_unlock($1)", RELAY_LOCK)
        caught_up = await readiness(client)

    assert behind.status_code == 200
    assert failing(behind)["relay"].startswith("the oldest pending event is 1")
    assert caught_up.json()["checks"]["relay"]["ok"]


async def test_a_relay_none_of_whose_turns_works_is_degraded_and_says_why(
    settings: Settings,
) -> None:
    """Its role may make no function in its session: every order is taken, none is ever numbered."""
    quick = settings.model_copy(update={"sweep_seconds": 0.05})
    async with (
        without_temporary(settings.database_url) as modest,
        serving(quick.model_copy(update={"database_url": modest})) as (_application, client),
    ):
        answer = await readiness(client, "degraded")

    assert answer.status_code == 200
    assert failing(answer).keys() == {"relay"}
    detail = failing(answer)["relay"]
    assert detail.startswith("no turn has worked for ")
    assert detail.endswith(" s: InsufficientPrivilegeError")


async def test_a_postgres_that_takes_no_writes_is_down_and_says_so(settings: Settings) -> None:
    """As a primary that was demoted, or one that the worker is led to by mistake."""
    async with connected(settings) as other, serving(settings) as (_application, client):
        await readiness(client)
        name = settings.database_url.rpartition("/")[2]
        await other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await other.execute(CUT_OFF)
        answer = await readiness(client, "down", detail="takes no writes")

    assert answer.status_code == 503
    assert failing(answer) == {
        "postgres": "takes no writes: a standby, or set to be read-only",
        "migrations": "Postgres has to be usable first",
    }


async def test_a_worker_that_cannot_learn_which_log_this_is_says_why(settings: Settings) -> None:
    async with connected(settings) as other:
        await other.execute("ALTER TABLE log_epoch RENAME TO log_epochs")
    async with serving(settings) as (_application, client):
        answer = await client.get("/ready")

    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    detail = failing(answer)["postgres"]
    assert detail == "answers, but not about the log: UndefinedTableError"


async def test_what_is_draining_is_not_ready(application: Application, client: AsyncClient) -> None:
    await readiness(client)
    await application.runtime.drain()

    answer = await client.get("/ready")

    assert (answer.status_code, answer.json()["status"]) == (503, "draining")
    assert failing(answer) == {}


async def test_details_give_no_address_and_no_password(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": "redis://:hidden@127.0.0.1:1/0"})
    async with serving(away) as (_application, client):
        answer = await client.get("/ready")

    assert "hidden" not in answer.text
    assert "127.0.0.1" not in answer.text
