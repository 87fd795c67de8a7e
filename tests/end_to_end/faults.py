"""What can happen to a running Tandem: its Valkey restarts, hangs or forgets; a worker dies."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from app.embedded import Valkey
from tests.end_to_end.server import ServerProcess
from tests.waiting import until

STOP_SECONDS = 10.0


class OwnValkey:
    """A Valkey of the test's own, at one address whatever happens to it. One fault at a time."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._server = Valkey(data_dir)
        self._turn = asyncio.Lock()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def pid(self) -> int:
        return self._server.child.pid

    def start(self, port: int | None = None) -> None:
        self._server.launch(port)
        self._server.await_answer()

    def stop(self) -> None:
        self._server.child.signal(signal.SIGTERM)
        self._server.child.finish(STOP_SECONDS)

    async def restart(self, away: float) -> None:
        """It stops, and is back on the same port after a while, empty."""
        async with self._turn:
            self.stop()
            await asyncio.sleep(away)  # how long it is away is the fault
            self.start(self._server.port)

    async def freeze(self, seconds: float) -> None:
        """It hangs: connections stay, nothing is answered."""
        async with self._turn:
            os.kill(self._server.child.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                os.kill(self._server.child.pid, signal.SIGCONT)

    async def flush(self) -> None:
        """Everything that it holds is gone."""
        async with self._turn, Redis.from_url(self.url) as redis:
            await redis.flushall()

    async def cut_listeners(self) -> None:
        """Every connection that is subscribed to something ends."""
        async with self._turn, Redis.from_url(self.url) as redis:
            await redis.execute_command(  # type: ignore[no-untyped-call]
                "CLIENT", "KILL", "TYPE", "pubsub"
            )

    async def commands(self) -> int:
        """How many commands it has carried out, without the questions after that."""
        async with Redis.from_url(self.url) as redis:
            stats = await redis.info("commandstats")
        asked = {"cmdstat_info", "cmdstat_auth", "cmdstat_hello", "cmdstat_client|setinfo"}
        return sum(each["calls"] for name, each in stats.items() if name not in asked)


@asynccontextmanager
async def own_valkey(data_dir: Path) -> AsyncIterator[OwnValkey]:
    valkey = OwnValkey(data_dir)
    valkey.start()
    try:
        yield valkey
    finally:
        valkey.stop()


async def kill_and_wait(server: ServerProcess, index: int) -> None:
    """SIGKILL for one worker, then wait until its successor serves."""
    before = server.ready_workers
    server.kill_worker(index)
    await until(lambda: replaced(server, before))


def replaced(server: ServerProcess, before: set[int]) -> bool:
    """As many workers serve as before, and not all of them are the same."""
    ready = server.ready_workers
    return len(ready) == len(before) != len(ready & before)
