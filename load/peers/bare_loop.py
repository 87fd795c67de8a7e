"""The limit of this stack: Tandem's own frame writing in a loop, with no Redis and no log."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.embedded import Services
from load.peer import Peer, Running
from load.process import free_port, listening
from load.sources.lines import lines


@asynccontextmanager
async def start(_: Services) -> AsyncIterator[Running]:
    port, feed_port = free_port(), free_port()
    module = "load.peers.servers.bare_loop"
    command = [sys.executable, "-m", module, str(port), str(feed_port)]
    # The port of the feed is the last that it opens.
    async with listening(command, feed_port) as process, lines(feed_port) as source:
        yield Running(f"http://127.0.0.1:{port}", process.pid, source, "tandem")


PEER = Peer(start, first_rate=8000)
