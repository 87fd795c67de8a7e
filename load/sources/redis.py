"""One event a message on a Redis channel, as the peers are fed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.embedded import Services
from load.pipe import RedisPipe
from load.source import Made, Paced

TOPIC = "orders"


class Published(Paced):
    def __init__(self, pipe: RedisPipe) -> None:
        super().__init__()
        self._pipe = pipe

    async def publish(self, events: list[Made]) -> None:
        for event in events:
            self._pipe.publish(TOPIC.encode(), event.numbered)


@asynccontextmanager
async def published(services: Services) -> AsyncIterator[Published]:
    pipe = await RedisPipe.open(services.redis_url)
    try:
        yield Published(pipe)
    finally:
        pipe.close()
