"""A worker's end: what it says while it drains, and what it does when its supervisor is gone."""

import asyncio
import gc
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from app import server
from app.core.config import Settings
from app.main import create_app
from app.processes import GO, MULTIPROC
from app.server import Server, SupervisedServer, spare_the_collector, uvicorn_options
from tests.conftest import SECRET
from tests.waiting import until


class Draining:
    """A runtime whose drain lasts until somebody was told so often."""

    def __init__(self, times: int) -> None:
        self.told = 0
        self._times = times
        self._enough = asyncio.Event()

    async def notify(self) -> None:
        self.told += 1
        if self.told == self._times:
            self._enough.set()

    async def drain(self) -> None:
        async with asyncio.timeout(15):
            await self._enough.wait()


def nobody_else_is_at_work() -> bool:
    return asyncio.all_tasks() == {asyncio.current_task()}


async def test_gunicorn_hears_of_a_worker_all_the_time_that_it_drains(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def end(_server: uvicorn.Server, _sockets: object) -> None:
        """Nothing was started."""

    monkeypatch.setattr(server, "NOTIFY_SECONDS", 0.01)
    monkeypatch.setattr(uvicorn.Server, "shutdown", end)
    runtime, app = Draining(3), FastAPI()
    app.state.runtime = runtime
    await Server(uvicorn.Config(app, callback_notify=runtime.notify)).shutdown()

    assert runtime.told >= 3
    await until(nobody_else_is_at_work)  # who told it has ended


def is_readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


async def test_a_worker_ends_once_when_its_supervisor_is_gone_and_not_by_a_word_of_it() -> None:
    loop, signals = asyncio.get_running_loop(), 0

    def count() -> None:
        nonlocal signals
        signals += 1

    alive, others_end = os.pipe()
    loop.add_signal_handler(signal.SIGTERM, count)
    try:
        loop.add_reader(alive, server._on_orphaned, alive)
        os.write(others_end, GO)
        await until(lambda: not is_readable(alive))
        assert signals == 0
        os.close(others_end)
        await until(lambda: signals > 0)
        assert not loop.remove_reader(alive), "it is still looked at, and so told of for ever"
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        os.close(alive)
    assert signals == 1


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """SIGTERM of this process, in place of its end."""
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: came.append(number))
    yield came
    signal.signal(signal.SIGTERM, before)


def test_a_supervised_worker_leaves_ctrl_c_to_its_supervisor(signals: list[int]) -> None:
    """The second one would cut its end short."""
    server = SupervisedServer(uvicorn.Config(FastAPI()))
    with server.capture_signals():
        signal.raise_signal(signal.SIGINT)
        assert not server.should_exit
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)

    assert (server.should_exit, server.force_exit, signals) == (True, False, [signal.SIGTERM])


@pytest.fixture
def collector() -> Iterator[None]:
    """Afterwards as it was: a worker's start changes it."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.enable()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("collector")
def test_garbage_is_collected_again_once_a_worker_has_started() -> None:
    gc.disable()
    spare_the_collector()

    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


@pytest.mark.usefixtures("collector")
async def test_a_worker_that_takes_requests_has_both_documents_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, ready = create_app(settings), False

    async def start(_server: uvicorn.Server, _sockets: object) -> None:
        nonlocal ready
        ready = app.openapi_schema is not None and "encoded" in vars(app.state.asyncapi)

    monkeypatch.setattr(uvicorn.Server, "startup", start)
    await Server(uvicorn.Config(app)).startup()

    assert ready


SETUP = """
import os
from app.processes import MULTIPROC
from app.server import Worker
for _ in range(2):
    Worker.setup()
    print(os.environ[MULTIPROC])
"""


@pytest.mark.parametrize("given", [True, False], ids=["given", "made"])
def test_gunicorn_leaves_no_directory_of_figures_behind(
    settings: Settings, tmp_path: Path, *, given: bool
) -> None:
    """Its master asks for the class of its workers at each reload."""
    environment = os.environ | {
        "TANDEM_SECRET_KEY": SECRET.get_secret_value(),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
    }
    environment.pop(MULTIPROC, None)
    if given:
        environment[MULTIPROC] = str(tmp_path)
    command = [sys.executable, "-c", SETUP]
    first, again = subprocess.run(  # noqa: S603 - our own
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout.splitlines()

    assert first == again
    assert Path(first).exists() == given
    assert list(tmp_path.iterdir()) == []


def test_an_idle_connection_is_kept_for_longer_than_proxies_keep_theirs(settings: Settings) -> None:
    """Nginx and the load balancers of the clouds: 60 s, where nobody set another figure."""
    config = uvicorn.Config("app.main:app", **uvicorn_options(settings))
    assert config.timeout_keep_alive > 60
