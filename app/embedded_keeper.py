"""Starts a private service that died again: on its old port, so that its address stays true."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from subprocess import SubprocessError

from app.embedded import Server

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
RESTART_SECONDS = 0.2
RESTART_MAX_SECONDS = 10.0
"""The pause doubles up to here for a service that ends within that time of its start."""


async def keep(servers: Sequence[Server]) -> None:
    """Until cancelled; on the thread that started them, for they end with it.

    Postgres recovers what was committed. Valkey begins empty, as after any start.
    """
    async with asyncio.TaskGroup() as group:
        for server in servers:
            group.create_task(_keep(server), name=f"keep {server.name}")


async def _keep(server: Server) -> None:
    pause = RESTART_SECONDS
    while True:
        begun = time.monotonic()
        while not server.child.has_ended():  # noqa: ASYNC110 - a process has no event for it
            await asyncio.sleep(LOOK_SECONDS)
        lived = time.monotonic() - begun
        pause = RESTART_SECONDS if lived > RESTART_MAX_SECONDS else pause
        _tell(server, pause)
        await asyncio.sleep(pause)
        # Out of memory, say: it still has ended, and is tried again.
        with suppress(OSError, SubprocessError):
            server.launch(server.port)
        pause = min(2 * pause, RESTART_MAX_SECONDS)


def _tell(server: Server, pause: float) -> None:
    """Its own log is begun anew at each start: why it ended has to stand in ours."""
    pid, code, said = server.child.pid, server.child.finish(0), ""
    with suppress(OSError):
        said = server.program().trouble()
    extra = {"pid": pid, "code": code, "said": said, "restart_seconds": pause}
    logger.error("the private %s ended and is started again", server.name, extra=extra)
