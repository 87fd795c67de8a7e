"""Real server processes for tests: `python -m app serve` on a database of its own."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from httpx import AsyncClient, TransportError

from tests.waiting import POLL_SECONDS

LISTENING = re.compile(rb"Tandem listening on (http://\S+)")
START_SECONDS = 60.0
LIMIT_SECONDS = 60
NO_LIMITS = {
    "TANDEM_REQUESTS_PER_SECOND": "0",
    "TANDEM_SIGN_IN_PER_MINUTE": "0",
    "TANDEM_CONNECTIONS_PER_USER": "0",
    "TANDEM_COMMANDS_PER_SECOND": "0",
}


@dataclass
class ServerProcess:
    """A running `serve`: its address, and what it wrote to stderr."""

    process: Process
    url: str
    log: list[str] = field(default_factory=list)

    @property
    def socket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws"

    @property
    def workers(self) -> list[psutil.Process]:
        """The worker processes, without the private services."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "app.server" in _arguments(child)]

    @property
    def ready_workers(self) -> set[int]:
        """The ids of the workers that accept connections."""
        return {worker.pid for worker in self.workers if _listens(worker)}

    def kill_worker(self, index: int = 0) -> None:
        """SIGKILL; the supervisor starts another."""
        workers = self.workers
        if workers:
            workers[index % len(workers)].kill()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


def _listens(worker: psutil.Process) -> bool:
    try:
        return any(one.status == psutil.CONN_LISTEN for one in worker.net_connections("tcp"))
    except psutil.NoSuchProcess:  # it ended in this moment
        return False


@asynccontextmanager
async def serving(  # noqa: PLR0913 - each but the first three has a default
    database_url: str,
    redis_url: str,
    data_dir: Path,
    *,
    workers: int = 1,
    port: str = "0",
    options: Sequence[str] = (),
    directory: str = ".",
    **settings: str,
) -> AsyncIterator[ServerProcess]:
    """`settings` are environment variables; limits are off unless they say otherwise. It runs in
    this `directory`.
    """
    environment = {
        **os.environ,
        **NO_LIMITS,
        "TANDEM_ENVIRONMENT": "test",
        "TANDEM_DATA_DIR": str(data_dir),
        "TANDEM_DRAIN_SECONDS": "0",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        **settings,
    }
    command = [sys.executable, "-m", "app", "serve", "--port", port, "--workers", str(workers)]
    process = await asyncio.create_subprocess_exec(
        *command, *options, env=environment, cwd=directory, stdout=PIPE, stderr=PIPE
    )
    log: list[str] = []
    reading = asyncio.create_task(_read_log(process, log))
    try:
        url = await _listening(process, log)
        yield ServerProcess(process, url, log)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await reading


async def answers(http: AsyncClient, url: str) -> None:
    """Wait for the first 200."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            try:
                if (await http.get(url)).status_code == 200:
                    return
            except TransportError:
                await asyncio.sleep(POLL_SECONDS)


async def _listening(process: Process, log: list[str]) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        async for line in process.stdout:
            found = LISTENING.search(line)
            if found:
                return found[1].decode()
    raise AssertionError("the server did not start:\n" + "".join(log[-20:]))


async def _read_log(process: Process, log: list[str]) -> None:
    assert process.stderr is not None
    log.extend([line.decode(errors="replace") async for line in process.stderr])


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
