"""Socket.IO on Node: a room that the sharded Redis adapter emits to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from app.embedded import Services
from load.installed import NODE, missing_node
from load.peer import Peer, Running, SignedIn
from load.process import free_port, listening
from load.signing import Signing
from load.sources.emitted import by_socketio, emitted


@asynccontextmanager
async def start(services: Services, signing: Signing | None = None) -> AsyncIterator[Running]:
    port = free_port()
    command = ["node", str(NODE / "socketio.mjs"), str(port)]
    environment = {"REDIS_URL": services.redis_url, "NODE_ENV": "production"}
    dialect, token = "socketio", ""
    if signing:
        environment |= signing.environment
        dialect, token = "socketio-signed-in", signing.token()
    async with (
        emitted(services, by_socketio) as source,
        listening(command, port, environment) as process,
    ):
        yield Running(f"http://127.0.0.1:{port}", process.pid, source, dialect, token)


PEER = Peer(start, partial(missing_node, "socket.io"), first_rate=150, signed_in=SignedIn(start))
