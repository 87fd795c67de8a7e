"""Waiting for a condition, never for a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

POLL_SECONDS = 0.02
WAIT_SECONDS = 60.0
"""For what comes in any case, on a busy machine too: no claim."""


async def until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait until the condition holds; TimeoutError after so many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is often another process
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """It goes on for as long as the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextmanager
def never_waiting() -> Iterator[None]:
    """Nothing in the block gives way to the rest of the loop."""
    gave_way: list[bool] = []
    asyncio.get_running_loop().call_soon(gave_way.append, True)  # noqa: FBT003 - a mark
    yield
    assert not gave_way
