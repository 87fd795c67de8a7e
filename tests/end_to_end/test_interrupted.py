"""Commands that are told to end while they start, work or end; private services go with them."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.core.config import Settings
from tests.embedded_holder import public_directory
from tests.end_to_end.server import LIMIT_SECONDS, serving
from tests.processes import alive
from tests.waiting import POLL_SECONDS, until

HOLD = "LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"
WAITS = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted
                   AND relation = 'alembic_version'::regclass)
"""


@pytest.fixture
def attentive() -> Iterator[None]:
    """Started in the background of a shell we ignore SIGINT, and so would what we start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@asynccontextmanager
async def command(name: str, data_dir: Path, database_url: str = "") -> AsyncIterator[Process]:
    """Without a Redis, so with a private one at least."""
    environment = {
        **os.environ,
        "TANDEM_ENVIRONMENT": "test",
        "TANDEM_DATA_DIR": str(data_dir),
        "DATABASE_URL": database_url,
        "REDIS_URL": "",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", name, env=environment, stdout=DEVNULL, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def held_back(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Nobody can tell which revision the database is at."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(HOLD)
            yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("attentive")
async def test_a_migration_that_is_interrupted_does_not_pass_for_done(
    settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    async with (
        held_back(settings.database_url) as connection,
        command("migrate", tmp_path, settings.database_url) as process,
        asyncio.timeout(LIMIT_SECONDS),
    ):
        while not await connection.fetchval(WAITS):  # noqa: ASYNC110 - in Postgres
            await asyncio.sleep(POLL_SECONDS)
        family = psutil.Process(process.pid).children()
        assert (tmp_path / "env").exists()
        process.send_signal(number)

        _, said = await process.communicate()
        assert (process.returncode, said) == (128 + number, b"")
        assert not (tmp_path / "env").exists()
        assert family
        assert not any(alive(one) for one in family)


async def test_sigterm_while_the_private_services_start_ends_serve_with_0() -> None:
    with public_directory() as data_dir:
        async with command("serve", data_dir) as process, asyncio.timeout(LIMIT_SECONDS):
            await until(lambda: is_claimed(data_dir), LIMIT_SECONDS)
            process.send_signal(signal.SIGTERM)

            _, said = await process.communicate()
            assert (process.returncode, said) == (0, b"")


def is_claimed(data_dir: Path) -> bool:
    """Somebody has begun to start services there."""
    lock = data_dir / "lock"
    return lock.exists() and bool(lock.read_bytes())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells signals that wait")
async def test_sigterm_while_the_private_services_end_ends_serve_with_0(
    settings: Settings, tmp_path: Path
) -> None:
    async with serving(settings.database_url, "", tmp_path) as server:
        [valkey] = [
            child
            for child in psutil.Process(server.process.pid).children()
            if child not in server.workers
        ]
        valkey.suspend()
        server.process.send_signal(signal.SIGTERM)
        await until(lambda: waits(valkey.pid, signal.SIGTERM), LIMIT_SECONDS)

        assert await server.stop() == 0
    assert not alive(valkey)
    assert not (tmp_path / "env").exists()


def waits(pid: int, number: signal.Signals) -> bool:
    """Whether the signal was sent to a process that is stopped, see proc(5)."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = status.partition("ShdPnd:")[2].split()[0]
    return bool(int(pending, 16) >> (number - 1) & 1)
