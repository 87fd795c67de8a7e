"""PUBLISH to Redis at next to no cost: commands are written, answers only looked at for errors.

A client library would take a good part of the core that the load has.
"""

import asyncio
from typing import Self, cast
from urllib.parse import urlsplit

from load.errors import LoadError


class RedisPipe(asyncio.Protocol):
    """A connection to one Redis."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._failure = ""

    @classmethod
    async def open(cls, url: str) -> Self:
        """`url`: redis://[[USER]:PASSWORD@]HOST[:PORT]; raises LoadError."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        try:
            _, pipe = await loop.create_connection(cls, parts.hostname or "", parts.port or 6379)
        except OSError as error:
            raise LoadError.unreachable(f"Redis cannot be reached: {error}") from None
        if parts.password:
            pipe.say(b"AUTH", (parts.username or "default").encode(), parts.password.encode())
        return pipe

    def publish(self, topic: bytes, message: bytes) -> None:
        """See `say`."""
        self.say(b"PUBLISH", topic, message)

    def say(self, *words: bytes) -> None:
        """Raises LoadError when the connection is gone, or an earlier command was refused."""
        if self._transport is None or self._failure:
            raise LoadError.unreachable(f"Redis did not take an event: {self._failure}")
        parts = [b"*%d\r\n" % len(words), *(b"$%d\r\n%b\r\n" % (len(w), w) for w in words)]
        self._transport.write(b"".join(parts))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if b"-" in data:  # an answer is a number, or -ERR and why
            self._failure = data.partition(b"-")[2].partition(b"\r\n")[0].decode()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self._failure = None, self._failure or str(exc or "connection closed")
