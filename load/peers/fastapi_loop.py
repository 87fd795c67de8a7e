"""What tutorials show: a FastAPI route keeps its sockets in a set, and a loop sends to each."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.embedded import Services
from load.peer import Peer, Running
from load.process import free_port, listening
from load.sources.redis import published


@asynccontextmanager
async def start(services: Services) -> AsyncIterator[Running]:
    port = free_port()
    command = [sys.executable, "-m", "load.peers.servers.fastapi_loop", str(port)]
    async with (
        published(services) as source,
        listening(command, port, {"REDIS_URL": services.redis_url}) as process,
    ):
        yield Running(f"http://127.0.0.1:{port}", process.pid, source)


PEER = Peer(start, first_rate=100)
