"""A Postgres of the test's own, which can be stopped, killed and started again on its port."""

import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from signal import SIGINT, SIGQUIT, Signals

from app import migrations
from app.embedded import Postgres
from app.embedded_cluster import open_cluster
from app.embedded_process import take_lock
from tests.waiting import until

STOP_SECONDS = 10.0


class OwnPostgres:
    """At one address whatever happens to it. What was committed outlives it."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = take_lock(data_dir / "postgres.lock")
        assert lock is not None
        self._locks = ExitStack()
        self._locks.callback(os.close, lock)
        cluster = open_cluster(self._locks, data_dir, lock=lock, durable=False)
        self._server = Postgres(cluster, durable=True)
        self._port: int | None = None

    @property
    def url(self) -> str:
        return self._server.url

    async def start(self) -> None:
        """Returns once it serves, and after a crash once it has recovered."""
        self._port = self._server.launch(self._port).port
        await until(self._server.answers)

    async def stop(self, how: Signals = SIGINT) -> None:
        """SIGINT says goodbye to all who are connected; SIGQUIT is its crash on purpose."""
        self._server.child.signal(how)
        await until(self._server.child.has_ended, STOP_SECONDS)

    async def crash(self) -> None:
        await self.stop(SIGQUIT)

    async def close(self) -> None:
        if not self._server.child.has_ended():
            await self.stop()
        self._server.child.finish(STOP_SECONDS)
        self._locks.close()


@asynccontextmanager
async def own_postgres(data_dir: Path) -> AsyncIterator[OwnPostgres]:
    """Running, with the tables of the newest migration."""
    postgres = OwnPostgres(data_dir)
    await postgres.start()
    try:
        await migrations.migrate(postgres.url)
        yield postgres
    finally:
        await postgres.close()
