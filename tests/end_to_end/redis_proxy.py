"""A Redis that loses what the test wants lost: a proxy between the workers and Valkey.

A message that is to be lost is published under a name that nobody listens to. So the worker that
published it gets its answer, and no other command is touched.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65_536
PUBLISH = {b"PUBLISH", b"SPUBLISH"}


class RedisProxy:
    """`lost`: how many messages did not get through."""

    def __init__(self, redis_url: str, loses: str) -> None:
        self.lost = 0
        self._target = urlsplit(redis_url)
        self._loses = loses.encode()
        self._port = 0
        self._links: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        user, _, _address = self._target.netloc.rpartition("@")
        return self._target._replace(netloc=f"{user}@127.0.0.1:{self._port}").geturl()

    async def carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection of a worker, until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        task.add_done_callback(self._links.discard)
        far_reader, far_writer = await asyncio.open_connection(
            self._target.hostname, self._target.port
        )
        ways = {
            asyncio.create_task(self._carry_commands(reader, far_writer)),
            asyncio.create_task(_carry_bytes(far_reader, writer)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.close()
            far_writer.close()

    async def _carry_commands(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while command := await read_command(reader):
                if command[0].upper() in PUBLISH and command[1].endswith(self._loses):
                    self.lost += 1
                    command[1] += b"-lost"
                writer.write(encode_command(command))
                await writer.drain()

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        return server

    async def close(self) -> None:
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)


async def read_command(reader: StreamReader) -> list[bytes]:
    """A command as clients send it, an array of bulk strings; empty at the end."""
    head = await reader.readline()
    words: list[bytes] = []
    for _ in range(int(head[1:]) if head else 0):
        size = int((await reader.readline())[1:])
        words.append((await reader.readexactly(size + 2))[:-2])
    return words


def encode_command(words: list[bytes]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


async def _carry_bytes(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()


@asynccontextmanager
async def losing(redis_url: str, loses: str) -> AsyncIterator[RedisProxy]:
    """Messages of the channels whose name ends like this get lost."""
    proxy = RedisProxy(redis_url, loses)
    server = await proxy.serve()
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()
