"""Bytes down a TCP connection at next to no cost: what feeds servers that need no Redis."""

import asyncio
from typing import Self, cast

from load.errors import LoadError


class TcpPipe(asyncio.Protocol):
    """What comes back is let go, unless a subclass looks at it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._failure = ""

    @classmethod
    async def open(cls, port: int) -> Self:
        """To this machine; raises LoadError."""
        loop = asyncio.get_running_loop()
        try:
            _, pipe = await loop.create_connection(cls, "127.0.0.1", port)
        except OSError as error:
            raise LoadError.unreachable(f"the server cannot be fed: {error}") from None
        return pipe

    def write(self, data: bytes) -> None:
        """Raises LoadError when the connection is gone."""
        if self._transport is None or self._failure:
            raise LoadError.unreachable(f"the server did not take an event: {self._failure}")
        self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self._failure = None, self._failure or str(exc or "connection closed")
