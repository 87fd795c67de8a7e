"""The command line and the processes behind it: starting, refusing to start, ending."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from httpx import AsyncClient, TransportError

from app import __version__
from app.core.config import Settings
from app.migrations import newest_revision
from tests.end_to_end.orders import place_order, token_of
from tests.end_to_end.server import NO_LIMITS, ServerProcess, serving
from tests.end_to_end.subscriber import open_socket
from tests.waiting import POLL_SECONDS, until

BIN = Path(sys.executable).parent
SERVICES = ("DATABASE_URL", "REDIS_URL")
LIMIT_SECONDS = 60


@pytest.fixture
async def server(settings: Settings, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with serving(
        settings.database_url, settings.redis_url, tmp_path, workers=2, measured=True
    ) as server:
        yield server


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself, without the services' addresses unless they are given."""
    inherited = {key: value for key, value in os.environ.items() if key not in SERVICES}
    return subprocess.run(  # noqa: S603 - our own commands
        command,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def app(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "app", *arguments, **environment)


def assert_one_line(done: subprocess.CompletedProcess[str], says: str) -> None:
    """Ended with 1, and with a single line that says why."""
    assert done.returncode == 1, done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_version_is_told() -> None:
    assert app("--version").stdout == f"tandem {__version__}\n"


def test_help_lists_the_commands() -> None:
    told = app("--help").stdout

    assert all(command in told for command in ("serve", "migrate", "seed", "epoch"))


def test_a_private_database_is_migrated_and_seeded(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = str(tmp_path_factory.mktemp("commands"))
    environment = {"TANDEM_DATA_DIR": data, "TANDEM_ENVIRONMENT": "test"}

    migrated = app("migrate", **environment)
    seeded = [app("seed", **environment).stdout for _ in range(2)]

    assert migrated.stdout == f"tandem: the database is at {newest_revision()}\n"
    assert seeded == ["tandem: made the demo data\n", "tandem: the demo data is there\n"]


def test_the_epoch_is_told_and_can_be_renewed(settings: Settings, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": settings.database_url, "TANDEM_DATA_DIR": str(tmp_path)}
    epochs = [app("epoch", *renew, **environment).stdout for renew in ([], [], ["--renew"])]

    assert epochs[0] == epochs[1] != epochs[2]


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["serve", "--port", "x"], ["serve", "--workers", "0"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert app(*arguments).returncode == 2


def test_a_wrong_setting_stops_the_start_with_its_name(tmp_path: Path) -> None:
    done = app("serve", TANDEM_PING_SECONDS="soon", TANDEM_DATA_DIR=str(tmp_path))

    assert_one_line(done, "TANDEM_PING_SECONDS: given 'soon', allowed: a number above 0")


def test_a_misspelt_setting_is_warned_of_once(settings: Settings, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": settings.database_url, "TANDEM_DATA_DIR": str(tmp_path)}
    done = app("epoch", TANDEM_PING_SECOND="1", **environment)

    assert done.returncode == 0
    assert done.stderr.count("did you mean TANDEM_PING_SECONDS?") == 1


def test_a_port_that_is_taken_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = app(
            "serve",
            "--port",
            port,
            DATABASE_URL=settings.database_url,
            REDIS_URL=settings.redis_url,
            TANDEM_DATA_DIR=str(tmp_path),
        )

    assert_one_line(done, f"cannot listen on 127.0.0.1:{port}: Address already in use")


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "app", "serve"],
        [str(BIN / "uvicorn"), "app.main:app"],
        [str(BIN / "gunicorn"), "app.main:app", "-k", "app.server.Worker", "-b", "127.0.0.1:0"],
    ],
    ids=["serve", "uvicorn", "gunicorn"],
)
def test_production_without_services_does_not_start(command: list[str], tmp_path: Path) -> None:
    done = run(
        *command,
        TANDEM_ENVIRONMENT="production",
        TANDEM_SECRET_KEY="x" * 32,
        TANDEM_DATA_DIR=str(tmp_path),
    )

    assert_one_line(done, "DATABASE_URL and REDIS_URL must be set")


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
    assert not any(alive(worker) for worker in workers)


async def test_no_worker_outlives_a_killed_supervisor(server: ServerProcess) -> None:
    workers = server.workers
    server.process.kill()

    await until(lambda: not any(worker.is_running() for worker in workers))
    assert len(workers) == 2


async def test_a_killed_worker_leaves_no_gauge_behind(
    server: ServerProcess, http: AsyncClient, people: dict[str, str]
) -> None:
    token = await token_of(http, server.url, people["cleo"])
    async with open_socket(server.socket_url, token), open_socket(server.socket_url, token):
        await shown(http, server, 2)
        before = server.ready_workers
        server.kill_worker(0)
        server.kill_worker(1)
        await until(lambda: len(server.ready_workers - before) == 2)

        await shown(http, server, 0)


async def test_gunicorn_serves_sockets_with_our_worker(
    settings: Settings, http: AsyncClient, people: dict[str, str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = {
        **os.environ,
        **NO_LIMITS,
        "TANDEM_ENVIRONMENT": "test",
        "TANDEM_DATA_DIR": str(tmp_path),
        "TANDEM_SECRET_KEY": settings.secret_key.get_secret_value(),
        "TANDEM_DRAIN_SECONDS": "0",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
    }
    command = [str(BIN / "gunicorn"), "app.main:app", "-k", "app.server.Worker", "-w", "2"]
    process = await asyncio.create_subprocess_exec(
        *command, "-b", address, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        url = f"http://{address}"
        await answers(http, f"{url}/ready")
        token = await token_of(http, url, people["staff"])
        async with open_socket(f"ws://{address}/ws", token) as opened:
            await opened.ask(subscribe={"channel": "orders"})
            order = await place_order(http, url, token)
            push = (await opened.document())["push"]

            assert push["pub"]["data"]["order"]["id"] == order["id"]
            process.send_signal(signal.SIGTERM)
            assert await opened.closed() == 3001
    finally:
        if process.returncode is None:
            process.terminate()
        assert await process.wait() == 0


async def test_private_services_end_with_a_killed_server(
    http: AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("private")
    async with serving("", "", data, measured=True) as server:
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert (await http.get(f"{server.url}/ready")).json()["status"] == "ok"
        server.process.kill()

        await until(lambda: not any(alive(one) for one in family))
        assert len(family) >= 3


async def test_a_private_valkey_that_was_killed_is_started_again(
    http: AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with serving("", "", tmp_path_factory.mktemp("private"), measured=True) as server:
        [valkey] = valkeys(server)
        valkey.kill()

        await until(lambda: bool(valkeys(server)) and valkey not in valkeys(server))
        await answers(http, f"{server.url}/ready")
        assert not valkey.is_running()
    assert len([line for line in server.log if "the private Valkey ended" in line]) == 1


def valkeys(server: ServerProcess) -> list[psutil.Process]:
    children = psutil.Process(server.process.pid).children()
    return [child for child in children if _name(child).startswith("valkey")]


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:  # it was reaped in this moment
        return ""


async def connections(http: AsyncClient, server: ServerProcess) -> int:
    """tandem_connections, as a scrape sees it."""
    figures = (await http.get(f"{server.url}/metrics")).text
    found = re.search(r"^tandem_connections (\S+)$", figures, re.MULTILINE)
    return int(float(found[1])) if found else 0


async def shown(http: AsyncClient, server: ServerProcess, count: int) -> None:
    """So many connections: each worker shares its figures a few times a second."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while await connections(http, server) != count:  # noqa: ASYNC110 - a scrape has no event
            await asyncio.sleep(0.05)


async def answers(http: AsyncClient, url: str) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            try:
                if (await http.get(url)).status_code == 200:
                    return
            except TransportError:
                await asyncio.sleep(POLL_SECONDS)


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
