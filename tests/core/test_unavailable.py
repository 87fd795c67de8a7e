"""What a Postgres refuses for reasons of its own is unavailable, and no error of ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlalchemy import text

from app.core.complaints import Unanswered, asking, complaint_of
from app.core.config import Settings
from app.core.database import create_engine, create_sessions, execute_directly, run_alone
from app.core.dependencies import SessionDep
from app.core.errors import install_error_handlers
from tests.core.serving import serving

WRITE = "INSERT INTO channels (name, head) VALUES ('orders', 7)"
LOCK_LOG = "LOCK TABLE channels IN ACCESS EXCLUSIVE MODE"
NO_PRIMARY = "target_session_attrs=read-write&default_transaction_read_only=on"
WAIT_SECONDS = 8
POLL_SECONDS = 0.02


def make_app() -> FastAPI:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/ask")
    async def ask(session: SessionDep, statement: str) -> None:
        await session.execute(text(statement))

    @app.get("/directly")
    async def ask_directly(session: SessionDep, statement: str) -> None:
        await session.execute(text("SELECT 1"))
        await execute_directly(session, statement)

    @app.get("/dawdle")
    async def dawdle(session: SessionDep) -> None:
        """Hold a transaction, without a word, until Postgres has enough of it."""
        await session.execute(text("SELECT 1"))
        held = (await (await session.connection()).get_raw_connection()).driver_connection
        async with asyncio.timeout(WAIT_SECONDS):
            while held is not None and not held.is_closed():  # noqa: ASYNC110 - it gives no sign
                await asyncio.sleep(POLL_SECONDS)
        await session.execute(text("SELECT 1"))

    return app


@asynccontextmanager
async def api(database_url: str) -> AsyncIterator[AsyncClient]:
    settings = Settings(environment="test", database_url=database_url, database_pool_size=1)
    engine = create_engine(settings)
    try:
        async with serving(make_app(), sessions=create_sessions(engine)) as client:
            yield client
    finally:
        await engine.dispose()


@pytest.fixture(params=["/ask", "/directly"])
def path(request: pytest.FixtureRequest) -> str:
    """By SQLAlchemy, and past it."""
    return str(request.param)


def says_try_again(answer: Response) -> bool:
    told = (answer.status_code, answer.json()["code"], answer.headers.get("Retry-After"))
    return told == (503, "service_unavailable", "1")


@pytest.mark.parametrize(
    ("default", "statement"),
    [
        ("default_transaction_read_only=on", WRITE),
        ("statement_timeout=50ms", "SELECT pg_sleep(60)"),
    ],
)
async def test_what_the_roles_settings_forbid_may_be_tried_again(
    database: str, path: str, default: str, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with api(f"{database}?{default}") as client:
        answer = await client.get(path, params={"statement": statement})

    assert says_try_again(answer)
    assert all(record.exc_info is None for record in caplog.records)


async def test_a_lock_that_the_role_may_not_wait_for_may_be_tried_again(
    database: str, path: str
) -> None:
    other = await asyncpg.connect(database)
    try:
        async with other.transaction(), api(f"{database}?lock_timeout=50ms") as client:
            await other.execute(LOCK_LOG)
            answer = await client.get(path, params={"statement": WRITE})
    finally:
        await other.close()

    assert says_try_again(answer)


async def test_a_transaction_that_idled_for_too_long_may_be_tried_again(database: str) -> None:
    async with api(f"{database}?idle_in_transaction_session_timeout=50ms") as client:
        answer = await client.get("/dawdle")

    assert says_try_again(answer)


@pytest.mark.parametrize("sqlstate", ["25006", "25P03", "55000", "55P03", "57014"])
async def test_what_no_statement_of_ours_is_to_blame_for_may_be_tried_again(
    database: str, sqlstate: str, caplog: pytest.LogCaptureFixture
) -> None:
    """55000 is what a standby says to whoever asks for its place in the WAL."""
    async with api(database) as client:
        answer = await client.get("/ask", params={"statement": raising(sqlstate)})

    assert says_try_again(answer)
    assert all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize("sqlstate", ["25006", "25P03", "55000", "55P03", "57014"])
async def test_who_started_a_command_is_told_what_postgres_says(
    database: str, sqlstate: str
) -> None:
    connection = await asyncpg.connect(database)
    try:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(raising(sqlstate))
    finally:
        await connection.close()

    assert complaint_of(refused.value) == "Postgres says: not now"


async def test_where_all_that_answer_are_standbys_a_request_may_be_tried_again(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with api(f"{database}?{NO_PRIMARY}") as client:
        answer = await client.get("/ask", params={"statement": "SELECT 1"})

    assert says_try_again(answer)
    assert all(record.exc_info is None for record in caplog.records)


async def test_who_started_a_command_is_told_of_standbys_in_one_line(database: str) -> None:
    url = f"{database}?{NO_PRIMARY}"
    with pytest.raises(Unanswered, match="target attribute"), asking(url):
        await asyncpg.connect(url)
    with pytest.raises(Unanswered, match="target attribute"), asking(url):
        await run_alone(url, lambda connection: connection.close())


def raising(sqlstate: str) -> str:
    return f"DO $$BEGIN RAISE 'not now' USING ERRCODE = '{sqlstate}'; END$$"
