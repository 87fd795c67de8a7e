"""A way to Postgres or Redis that can be cut, lead elsewhere, or go silent as a host does that lost
its power.
"""

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class ServerProxy:
    """Hands on what is said between clients and the server of an address."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self._port = 0
        self._address = url.replace(f":{self._to.port}/", ":{}/")
        self._tasks: set[asyncio.Task[None]] = set()
        self._silence = asyncio.Event()

    @property
    def url(self) -> str:
        return self._address.format(self._port)

    def lead_to(self, url: str) -> None:
        """New connections go there; those that there are stay where they are."""
        self._to = urlsplit(url)

    def swallow(self) -> None:
        """From now on the connections that there are carry nothing; new ones do."""
        self.vanish()
        self.reappear()

    def vanish(self) -> None:
        """From now on nothing is carried, on new connections neither."""
        self._silence.set()

    def reappear(self) -> None:
        """New connections carry again what is said; the old ones never do."""
        self._silence = asyncio.Event()

    async def go_away(self) -> None:
        """Cut every connection and refuse new ones."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def come_back(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.go_away()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(self._to.hostname, self._to.port)
        silence = self._silence
        for source, target in ((reader, to_server), (from_server, writer)):
            self._tasks.add(asyncio.create_task(_carry(source, target, silence)))


async def _carry(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, silence: asyncio.Event
) -> None:
    try:
        while data := await source.read(65_536):
            if not silence.is_set():
                target.write(data)
        if silence.is_set():
            await asyncio.Event().wait()  # not even an end is told
    finally:
        target.close()
