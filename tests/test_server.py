"""A worker's end: what it says while it drains, and what it does when its supervisor is gone."""

import asyncio
import os
import signal

import pytest
import uvicorn
from fastapi import FastAPI

from app import server
from app.server import Server
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
        async with asyncio.timeout(5):
            await self._enough.wait()


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

    told = runtime.told
    await asyncio.sleep(0.05)
    assert runtime.told == told


async def test_whose_supervisor_is_gone_is_ended_once() -> None:
    loop, signals = asyncio.get_running_loop(), 0

    def count() -> None:
        nonlocal signals
        signals += 1

    alive, others_end = os.pipe()
    loop.add_signal_handler(signal.SIGTERM, count)
    try:
        loop.add_reader(alive, server._on_orphaned, alive)
        os.close(others_end)
        await until(lambda: signals > 0)
        await asyncio.sleep(0.05)  # a second one would come at once
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        os.close(alive)
    assert signals == 1
