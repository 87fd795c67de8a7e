"""Sessions and the engine; what a caller is told while Postgres is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core.config import Settings
from app.core.database import (
    LOCK_SECONDS,
    NAMING,
    STATEMENT_SECONDS,
    Base,
    create_engine,
    create_sessions,
    run_alone,
)
from app.core.dependencies import SessionDep
from app.core.errors import install_error_handlers
from app.core.unavailable import is_unavailable
from tests.core.refusing import refusing_postgres
from tests.core.serving import serving

WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
WAIT_SECONDS = 8  # less than the limit of a statement, which would be a 503, too
POLL_SECONDS = 0.01
HASH = "$argon2id$v=19$m=19456"
REFUSED = text("INSERT INTO channels (name, head) VALUES (CAST(:hash AS text), 1 / 0)")
NOBODY_LISTENS = "postgresql://tandem@127.0.0.1:1/tandem"


def make_app() -> FastAPI:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/ask")
    async def ask(session: SessionDep, statement: str = "SELECT 1") -> int:
        return int((await session.execute(text(statement))).scalar_one())

    @app.get("/write")
    async def write(session: SessionDep) -> None:
        await session.execute(text("INSERT INTO channels (name, head) VALUES ('orders', 7)"))

    @app.get("/keep")
    async def keep(session: SessionDep) -> None:
        await session.execute(REFUSED, {"hash": HASH})

    return app


@asynccontextmanager
async def other_connection(database: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(database)
    try:
        yield connection
    finally:
        await connection.close()


def insert_refused(connection: Connection) -> None:
    connection.execute(REFUSED, {"hash": HASH})


@asynccontextmanager
async def api(database_url: str, *, pool_size: int = 1) -> AsyncIterator[AsyncClient]:
    settings = Settings(environment="test", database_url=database_url, database_pool_size=pool_size)
    engine = create_engine(settings)
    try:
        async with serving(make_app(), sessions=create_sessions(engine)) as client:
            yield client
    finally:
        await engine.dispose()


def says_try_again(answer: Response) -> bool:
    return (
        answer.status_code == 503
        and answer.headers["content-type"] == "application/problem+json"
        and answer.json()["code"] == "service_unavailable"
        and int(answer.headers["Retry-After"]) >= 1
    )


async def test_a_session_asks_the_database(database: str) -> None:
    async with api(database) as client:
        answer = await client.get("/ask")

    assert answer.json() == 1


async def test_a_lock_is_waited_for_less_long_than_a_statement_may_take(database: str) -> None:
    async with api(database) as client:
        answer = await client.get(
            "/ask?statement=SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'"
        )

    assert answer.json() == LOCK_SECONDS * 1000 < STATEMENT_SECONDS * 1000


async def test_who_freezes_in_a_transaction_loses_its_locks(settings: Settings) -> None:
    """As a process does that is stopped while its kernel goes on answering for it."""
    engine = create_engine(settings, statement_seconds=0.5)
    try:
        async with other_connection(settings.database_url) as other, engine.connect() as frozen:
            await frozen.execute(text("SELECT pg_advisory_xact_lock(1)"))
            async with asyncio.timeout(WAIT_SECONDS):
                await other.execute("SELECT pg_advisory_lock(1)")
            with pytest.raises(DBAPIError) as refused:
                await frozen.execute(text("SELECT 1"))
            assert is_unavailable(refused.value)
            await frozen.invalidate()
    finally:
        await engine.dispose()


async def test_what_a_reading_session_writes_is_rolled_back(database: str) -> None:
    async with api(database) as client:
        (await client.get("/write")).raise_for_status()
        answer = await client.get("/ask?statement=SELECT count(*) FROM channels")

    assert answer.json() == 0


@pytest.mark.parametrize("query", ["", "?sslmode=disable", "?ssl=disable"])
async def test_an_address_may_say_how_to_encrypt(database: str, query: str) -> None:
    async with api(database + query) as client:
        answer = await client.get("/ask")

    assert answer.json() == 1


@pytest.mark.parametrize("query", ["sslmode=disable&sslrootcert=ca.pem", "lock_timeout=7s"])
async def test_an_address_may_say_all_that_asyncpg_knows(database: str, query: str) -> None:
    """Whoever connects without SQLAlchemy takes it: the reader and the relay."""
    async with api(f"{database}?{query}") as client:
        answer = await client.get("/ask")

    assert answer.json() == 1


async def test_nobody_listening_is_unavailable() -> None:
    async with api(NOBODY_LISTENS) as client:
        answer = await client.get("/ask")

    assert says_try_again(answer)


@pytest.mark.parametrize("sqlstate", ["57P03", "53300", "08006"])
async def test_a_postgres_that_takes_no_connection_now_is_unavailable(sqlstate: str) -> None:
    async with refusing_postgres(sqlstate) as url, api(url) as client:
        answer = await client.get("/ask")

    assert says_try_again(answer)


async def test_a_connection_that_is_cut_in_the_middle_is_unavailable(database: str) -> None:
    cut = "SELECT 1 FROM pg_terminate_backend(pg_backend_pid())"
    async with api(database) as client:
        answer = await client.get("/ask", params={"statement": cut})

    assert says_try_again(answer)


async def test_who_is_taken_out_of_a_deadlock_is_told_to_try_again(database: str) -> None:
    """The request holds the second lock and waits for the first, the other one vice versa."""
    both = "SELECT pg_advisory_xact_lock(2), pg_advisory_xact_lock(1)"
    async with other_connection(database) as other, other.transaction(), api(database) as client:
        await other.execute("SET LOCAL deadlock_timeout = '1h'")
        await other.execute("SELECT pg_advisory_xact_lock(1)")
        asking = asyncio.create_task(client.get("/ask", params={"statement": both}))
        async with asyncio.timeout(WAIT_SECONDS):
            while not await other.fetchval(WAITS):  # noqa: ASYNC110 - the database gives no sign
                await asyncio.sleep(POLL_SECONDS)
            await other.execute("SELECT pg_advisory_xact_lock(2)")
            answer = await asking

    assert says_try_again(answer)


async def test_a_transaction_that_cannot_be_serialized_is_to_be_tried_again(database: str) -> None:
    fail = "DO $$BEGIN RAISE serialization_failure; END$$"
    async with api(database) as client:
        answer = await client.get("/ask", params={"statement": fail})

    assert says_try_again(answer)


async def test_the_next_request_after_a_cut_connection_works(database: str) -> None:
    cut = "SELECT 1 FROM pg_terminate_backend(pg_backend_pid())"
    async with api(database) as client:
        await client.get("/ask", params={"statement": cut})
        answer = await client.get("/ask")

    assert answer.json() == 1


@pytest.mark.parametrize("statement", ["SELECT 1 / 0", "SELEKT", "SELECT x FROM channels"])
async def test_a_statement_that_postgres_refuses_is_our_own_error(
    database: str, statement: str
) -> None:
    async with api(database) as client:
        answer = await client.get("/ask", params={"statement": statement})

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert statement not in answer.text


async def test_what_postgres_refuses_is_logged_without_its_values(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with api(database) as client:
        answer = await client.get("/keep")

    assert answer.status_code == 500
    assert "INSERT INTO channels" in caplog.text
    assert HASH not in caplog.text


async def test_an_error_of_work_alone_tells_no_values_either(database: str) -> None:
    with pytest.raises(DBAPIError) as refused:
        await run_alone(database, insert_refused)

    assert "INSERT INTO channels" in str(refused.value)
    assert HASH not in str(refused.value)


def test_a_pool_without_a_free_connection_is_unavailable() -> None:
    assert is_unavailable(PoolTimeoutError())


def test_an_error_of_ours_is_not_taken_for_an_absent_postgres() -> None:
    assert not is_unavailable(ValueError())


def test_every_kind_of_constraint_is_named_by_a_rule() -> None:
    assert Base.metadata.naming_convention == NAMING
    assert NAMING.keys() == {"ix", "uq", "ck", "fk", "pk"}
