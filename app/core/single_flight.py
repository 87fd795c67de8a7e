"""Work that many wait for, done once."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """One task for all who want the same thing at the same time."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[T]] = {}

    @property
    def tasks(self) -> list[asyncio.Task[T]]:
        return list(self._tasks.values())

    async def run(self, key: str, job: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the job that is under way for this key, or of this one."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(job(), name=f"{key}: once for all")
            task.add_done_callback(lambda _done: self._tasks.pop(key, None))
            task.add_done_callback(retrieve)
        return await asyncio.shield(task)


def retrieve(future: "asyncio.Future[Any]") -> None:
    """Whoever waited has seen the error; nobody left is no reason for a warning."""
    if not future.cancelled():
        future.exception()
