"""Tandem itself, one worker: numbered publications through Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.embedded import Services
from load.peer import Peer, Running
from load.pipe import RedisPipe
from load.server import serving
from load.sources.choice import WIDE_RING
from load.sources.wire import Wire
from load.target import Target

CHANNEL = "orders"


@asynccontextmanager
async def start(services: Services) -> AsyncIterator[Running]:
    async with serving(1, services, WIDE_RING) as server, Target(server.url) as target:
        staff = await target.sign_in("staff@tandem.example", "tandem-demo")
        head, epoch = await target.head(staff), await target.epoch(staff)
        pipe = await RedisPipe.open(services.redis_url)
        source = Wire(pipe, epoch=epoch, channel=CHANNEL, head=head)
        yield Running(
            server.url, server.pid, source, "tandem", staff.token, CHANNEL, until=staff.until
        )
        pipe.close()


PEER = Peer(start, needs_postgres=True, first_rate=4000)
