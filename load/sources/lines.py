"""One event a line over TCP, `OFFSET JSON`: for a server that there is nothing between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from load.source import Made, Paced
from load.sources.tcp import TcpPipe


class Lines(Paced):
    def __init__(self, pipe: TcpPipe) -> None:
        super().__init__()
        self._pipe = pipe

    async def publish(self, events: list[Made]) -> None:
        said = (b"%d %b\n" % (event.offset, event.payload) for event in events)
        self._pipe.write(b"".join(said))


@asynccontextmanager
async def lines(port: int) -> AsyncIterator[Lines]:
    pipe = await TcpPipe.open(port)
    try:
        yield Lines(pipe)
    finally:
        pipe.close()
