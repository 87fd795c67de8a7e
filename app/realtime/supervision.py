"""The background tasks of a worker: each has an owner, none ends unnoticed."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

RESTART_SECONDS = 1.0
STOP_SECONDS = 1.0

Job = Callable[[], Coroutine[Any, Any, None]]


class Supervised:
    """Jobs that run until they are stopped. One that fails is logged and begun again."""

    def __init__(self, restart_seconds: float = RESTART_SECONDS) -> None:
        self._restart_seconds = restart_seconds
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, job: Job) -> None:
        self._tasks.append(asyncio.create_task(self._keep(name, job), name=name))

    async def stop(self) -> None:
        while running := [task for task in self._tasks if not task.done()]:
            for task in running:  # again: a library's error may have taken a cancellation's place
                task.cancel()
            await asyncio.wait(running, timeout=STOP_SECONDS)

    async def _keep(self, name: str, job: Job) -> None:
        """Until the job returns by itself or is cancelled."""
        while True:
            try:
                await job()
            except Exception:
                logger.exception("a background task failed", extra={"task": name})
                await asyncio.sleep(self._restart_seconds)
            else:
                return
