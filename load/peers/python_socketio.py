"""python-socketio on uvicorn: a room that its Redis manager emits to."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from app.embedded import Services
from load.installed import missing_python
from load.peer import Peer, Running, SignedIn
from load.process import free_port, listening
from load.signing import Signing
from load.sources.emitted import by_python_socketio, emitted


@asynccontextmanager
async def start(services: Services, signing: Signing | None = None) -> AsyncIterator[Running]:
    port = free_port()
    command = [sys.executable, "-m", "load.peers.servers.python_socketio", str(port)]
    environment = {"REDIS_URL": services.redis_url}
    dialect, token = "socketio", ""
    if signing:
        environment |= signing.environment
        dialect, token = "socketio-signed-in", signing.token()
    async with (
        emitted(services, by_python_socketio) as source,
        listening(command, port, environment) as process,
    ):
        yield Running(f"http://127.0.0.1:{port}", process.pid, source, dialect, token)


PEER = Peer(start, partial(missing_python, "socketio"), first_rate=25, signed_in=SignedIn(start))
