"""Private services that are killed, and come back."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from signal import SIGKILL

import psutil
import pytest
import redis

from app.embedded import Server, Valkey, private_services
from app.embedded_keeper import keep
from app.embedded_process import Program
from tests.embedded_holder import public_directory, query
from tests.waiting import until


@asynccontextmanager
async def kept(servers: Sequence[Server]) -> AsyncIterator[None]:
    task = asyncio.create_task(keep(servers))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def ends(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The messages about services that ended."""
    return [record.message for record in caplog.records if record.name == "app.embedded_keeper"]


async def kill(server: Server) -> psutil.Process:
    """SIGKILL; returns once another one answers in its place."""
    killed = psutil.Process(server.child.pid)
    server.child.signal(SIGKILL)
    await until(lambda: server.child.pid != killed.pid and server.answers())
    return killed


async def test_a_killed_valkey_comes_back_at_its_address_and_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with private_services(tmp_path, postgres=False) as services:
        [valkey] = services.servers
        async with kept(services.servers):
            killed = await kill(valkey)
        with redis.Redis.from_url(services.redis_url) as client:
            assert client.ping()
        assert not killed.is_running()
    assert ends(caplog) == ["the private Valkey ended and is started again"]
    assert caplog.records[-1].__dict__["code"] == -SIGKILL


async def test_a_killed_postgres_comes_back_with_what_was_committed() -> None:
    with public_directory() as path, private_services(path, valkey=False) as services:
        await query(services.database_url, "CREATE TABLE kept AS SELECT 7 AS number")
        async with kept(services.servers):
            await kill(services.servers[0])
            assert await query(services.database_url, "SELECT number FROM kept") == 7


class Failing(Valkey):
    """It cannot run, and counts how often that was tried."""

    starts = 0

    def program(self) -> Program:
        return Program(("/bin/false",), self._data_dir / "failing.log")

    def launch(self, port: int | None = None) -> "Failing":
        self.starts += 1
        return super().launch(port)


async def test_a_service_that_cannot_run_is_tried_again_ever_more_seldom(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    failing = Failing(tmp_path).launch()
    try:
        async with kept([failing]):
            await until(lambda: failing.starts > 3)
    finally:
        failing.child.finish(0)
    pauses = [record.__dict__["restart_seconds"] for record in caplog.records]
    assert pauses[:3] == [0.2, 0.4, 0.8]
