"""nats-server: browsers speak the NATS protocol over its WebSocket port, backends over TCP.

A message broker in Go without a log, as JetStream is off: what a gateway of its own can reach.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from app.embedded import Services
from load.configuration import configuration
from load.installed import missing_program, program
from load.nats import USER
from load.peer import Peer, Running, SignedIn
from load.process import free_port, listening
from load.signing import Signing
from load.sources.nats import subject

CONFIGURATION = """
listen: "127.0.0.1:{port}"
websocket {{
    listen: "127.0.0.1:{websocket_port}", no_tls: true, compression: false
    {authorization}
}}
"""
AUTHORIZATION = 'authorization {{ username: "{user}", password: "{password}" }}'
"""Of browsers; backends sign in elsewhere, or not at all."""


@asynccontextmanager
async def start(_: Services, signing: Signing | None = None) -> AsyncIterator[Running]:
    port, websocket_port = free_port(), free_port()
    password = signing.secret if signing else ""
    authorization = AUTHORIZATION.format(user=USER, password=password) if password else ""
    text = CONFIGURATION.format(
        port=port, websocket_port=websocket_port, authorization=authorization
    )
    with configuration(text) as file:
        command = [program("nats-server") or "", "--config", str(file)]
        # The port for TCP is the last that it opens.
        async with listening(command, port) as process, subject(port) as source:
            url = f"http://127.0.0.1:{websocket_port}"
            yield Running(url, process.pid, source, "nats", password)


PEER = Peer(
    start,
    partial(missing_program, "nats-server", "nats-server"),
    first_rate=800,
    signed_in=SignedIn(start, "a name and a password, two subscriptions; no count"),
)
