"""One event a message on a NATS subject, published over TCP as other backends do it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from load.nats import connect
from load.source import Made, Paced
from load.sources.tcp import TcpPipe

SUBJECT = b"orders"


class NatsPipe(TcpPipe):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.write(connect())

    def data_received(self, data: bytes) -> None:
        if b"-ERR" in data:
            self._failure = data.partition(b"-ERR")[2].partition(b"\r\n")[0].decode()
        elif b"PING\r\n" in data:
            self.write(b"PONG\r\n")


class Subject(Paced):
    def __init__(self, pipe: NatsPipe) -> None:
        super().__init__()
        self._pipe = pipe

    async def publish(self, events: list[Made]) -> None:
        said = [(len(event.numbered), event.numbered) for event in events]
        self._pipe.write(b"".join(b"PUB %b %d\r\n%b\r\n" % (SUBJECT, *each) for each in said))


@asynccontextmanager
async def subject(port: int) -> AsyncIterator[Subject]:
    """`port`: where nats-server takes clients without WebSocket."""
    pipe = await NatsPipe.open(port)
    try:
        yield Subject(pipe)
    finally:
        pipe.close()
