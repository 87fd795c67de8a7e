"""The websockets library: its own broadcast to all sockets, without compression."""

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
    command = [sys.executable, "-m", "load.peers.servers.websockets_broadcast", str(port)]
    async with (
        published(services) as source,
        listening(command, port, {"REDIS_URL": services.redis_url}) as process,
    ):
        yield Running(f"http://127.0.0.1:{port}", process.pid, source)


PEER = Peer(start, first_rate=150)
