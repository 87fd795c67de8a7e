"""Questions to Postgres that are brought to their end, whoever still waits for the answer.

To cancel one costs its connection: SQLAlchemy closes it, and of a Postgres that says nothing it
takes leave for two seconds, in the middle of whatever was to end in time.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from app.core.single_flight import retrieve

Answer = TypeVar("Answer")


class Questions:
    """Those that nobody waits for any more end with their statement's limit of time, or with that
    for a place in the pool; so they are never many more than the pool has connections.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def ask(self, question: Coroutine[Any, Any, Answer]) -> Answer:
        """Its answer, or what it raises. Who is cancelled does not wait for it any longer."""
        task = asyncio.create_task(question)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(retrieve)
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Those that are left are given up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
