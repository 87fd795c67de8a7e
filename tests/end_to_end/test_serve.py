"""A served Tandem and its workers: starting, losing one, ending."""

import asyncio
import os
import re
import resource
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from httpx import AsyncClient

import app
from app import __version__
from app.core.config import Settings
from tests.end_to_end.orders import place_order, token_of
from tests.end_to_end.scrape import connections, counted
from tests.end_to_end.server import LIMIT_SECONDS, NO_LIMITS, ServerProcess, answers, serving
from tests.end_to_end.subscriber import open_socket
from tests.processes import alive
from tests.waiting import until

BIN = Path(sys.executable).parent
ROOT = Path(app.__file__).parents[1]
LISTENING = re.compile(rb"Listening at: (http://\S+)")


@pytest.fixture
async def server(settings: Settings, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with serving(settings.database_url, settings.redis_url, tmp_path, workers=2) as server:
        yield server


async def test_sigterm_closes_sockets_with_3001_and_ends_with_0(
    server: ServerProcess, http: AsyncClient, people: dict[str, str]
) -> None:
    token = await token_of(http, server.url, people["cleo"])
    async with open_socket(server.socket_url, token) as socket:
        server.process.send_signal(signal.SIGTERM)

        assert await socket.closed() == 3001
        assert await server.stop() == 0


async def test_ctrl_c_ends_with_0(server: ServerProcess) -> None:
    workers = server.workers
    for process in (*workers, psutil.Process(server.process.pid)):  # as a terminal does
        process.send_signal(signal.SIGINT)

    assert await server.process.wait() == 0
    assert not any(map(alive, workers))


async def test_no_worker_outlives_a_killed_supervisor(server: ServerProcess) -> None:
    workers = server.workers
    server.process.kill()

    await until(lambda: not any(map(alive, workers)))
    assert len(workers) == 2


async def test_a_killed_worker_leaves_no_gauge_behind(
    server: ServerProcess, http: AsyncClient, people: dict[str, str]
) -> None:
    token = await token_of(http, server.url, people["cleo"])
    async with open_socket(server.socket_url, token), open_socket(server.socket_url, token):
        await connections(http, server.url, 2)
        before = server.ready_workers
        for worker in server.workers:
            worker.kill()
        await until(lambda: len(server.ready_workers - before) == 2)

        await connections(http, server.url, 0)


async def test_requests_are_counted_by_their_route_and_sockets_are_none(
    server: ServerProcess, http: AsyncClient, people: dict[str, str]
) -> None:
    token = await token_of(http, server.url, people["cleo"])
    headers = {"Authorization": f"Bearer {token}"}
    order = await http.get(f"{server.url}/api/v1/orders/{uuid4()}", headers=headers)
    asked = {"handler": "/api/v1/orders/{order_id}", "method": "GET", "status": "4xx"}
    async with open_socket(server.socket_url, token):
        requests = await counted(http, server.url, "http_requests_total", **asked)
        took = await counted(http, server.url, "http_request_duration_seconds_count")
        exposition = (await http.get(f"{server.url}/metrics")).text

    assert (order.status_code, requests) == (404, 1)
    assert took >= 2
    assert not [
        line for line in exposition.splitlines() if line.startswith("http_") and '"/ws"' in line
    ]


async def test_gunicorn_serves_sockets_with_our_worker(
    settings: Settings, http: AsyncClient, people: dict[str, str], tmp_path: Path
) -> None:
    async with gunicorn(settings, tmp_path) as (process, url):
        await answers(http, f"{url}/ready")
        token = await token_of(http, url, people["staff"])
        async with open_socket(f"{url.replace('http', 'ws', 1)}/ws", token) as opened:
            await opened.ask(subscribe={"channel": "orders"})
            order = await place_order(http, url, token)
            push = (await opened.document())["push"]

            assert push["pub"]["data"]["order"]["id"] == order["id"]
            process.send_signal(signal.SIGTERM)
            assert await opened.closed() == 3001


async def test_what_changes_in_the_code_is_served_by_new_workers(
    settings: Settings, http: AsyncClient, tmp_path: Path
) -> None:
    for part in ("app", "static"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    code = tmp_path / "app" / "__init__.py"
    async with serving(
        settings.database_url,
        settings.redis_url,
        tmp_path / "data",
        options=["--reload"],
        directory=str(tmp_path),
    ) as server:
        before = server.ready_workers
        code.write_text(code.read_text().replace(__version__, "9.9.9"))

        await until(lambda: bool(server.ready_workers - before), LIMIT_SECONDS)
        await until(lambda: not server.ready_workers & before, LIMIT_SECONDS)
        document = (await http.get(f"{server.url}/openapi.json")).json()
    assert document["info"]["version"] == "9.9.9"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells limits of other processes")
async def test_workers_may_open_as_many_files_as_the_system_allows(
    settings: Settings, http: AsyncClient, tmp_path: Path
) -> None:
    with few_open_files() as allowed:
        async with serving(settings.database_url, settings.redis_url, tmp_path) as served:
            limits = [open_files(worker.pid) for worker in served.workers]
        async with gunicorn(settings, tmp_path) as (process, url):
            await answers(http, f"{url}/health")
            forked = psutil.Process(process.pid).children()
            limits += [open_files(worker.pid) for worker in forked]

    assert limits == [allowed] * 3


@contextmanager
def few_open_files() -> Iterator[int]:
    """A low limit for processes that are started in the block; what the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_files(pid: int) -> int:
    """A process's soft limit of them, in proc(5)'s words."""
    limits = Path(f"/proc/{pid}/limits").read_text()
    found = re.search(r"^Max open files +(\d+)", limits, re.MULTILINE)
    assert found is not None
    return int(found[1])


@asynccontextmanager
async def gunicorn(settings: Settings, data_dir: Path) -> AsyncIterator[tuple[Process, str]]:
    """Two workers, starting, and their address; they end with 0."""
    environment = {
        **os.environ,
        **NO_LIMITS,
        "TANDEM_ENVIRONMENT": "test",
        "TANDEM_DATA_DIR": str(data_dir),
        "TANDEM_SECRET_KEY": settings.secret_key.get_secret_value(),
        "TANDEM_DRAIN_SECONDS": "0",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
    }
    command = [str(BIN / "gunicorn"), "app.main:app", "-k", "app.server.Worker", "-w", "2"]
    process = await asyncio.create_subprocess_exec(
        *command, "-b", "127.0.0.1:0", env=environment, stderr=PIPE
    )
    try:
        yield process, await listening(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
        assert process.returncode == 0


async def listening(process: Process) -> str:
    """The address that gunicorn names once it has a port."""
    assert process.stderr is not None
    async with asyncio.timeout(LIMIT_SECONDS):
        async for line in process.stderr:
            if found := LISTENING.search(line):
                return found[1].decode()
    raise AssertionError("gunicorn ended without a word of where it listens")
