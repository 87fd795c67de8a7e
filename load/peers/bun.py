"""Bun: its own WebSocket server with topics (uWebSockets in C++), fed by its own Redis client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.embedded import Services
from load.installed import NODE, bun, missing_bun
from load.peer import Peer, Running
from load.process import free_port, listening
from load.sources.redis import published


@asynccontextmanager
async def start(services: Services) -> AsyncIterator[Running]:
    port = free_port()
    command = [str(bun()), str(NODE / "bun.mjs"), str(port)]
    async with (
        published(services) as source,
        listening(command, port, {"REDIS_URL": services.redis_url}) as process,
    ):
        yield Running(f"http://127.0.0.1:{port}", process.pid, source)


PEER = Peer(start, missing_bun, first_rate=4000)
