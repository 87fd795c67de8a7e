"""Waiting for a condition, never for a time."""

import asyncio
from collections.abc import Callable

POLL_SECONDS = 0.02


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until the condition holds; TimeoutError after so many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is often another process
            await asyncio.sleep(POLL_SECONDS)
