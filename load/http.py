"""A small HTTP/1.1 client for writes at full speed: a general one costs more than the server.

Bodies are JSON, and answers have a Content-Length; connections are kept and used again.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from load.websocket import Address

CONNECTIONS = 64
REQUEST_SECONDS = 10
_SUCCESS = range(200, 300)

FAILURES = (OSError, EOFError, TimeoutError)
"""What `send` raises when there is no answer."""


class UnreadableAnswer(ConnectionError):
    """Its end cannot be told, as when a proxy sends it in chunks: the connection is of no use."""


@dataclass(frozen=True)
class Answer:
    """Names of headers are in lower case."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        return self.status_code in _SUCCESS

    def json(self) -> Any:
        return json.loads(self.content)


class HttpClient:
    """Of one server. At most CONNECTIONS requests are under way, the others wait."""

    def __init__(self, url: str) -> None:
        self._address = Address.of(url, "")
        self._tls = self._address.tls()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._room = asyncio.Semaphore(CONNECTIONS)

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        """Raises one of FAILURES."""
        content = json.dumps(body).encode()
        lines = {
            "Host": self._address.authority,
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        request = f"{method} {self._address.path}{path} HTTP/1.1\r\n{head}\r\n".encode() + content
        async with self._room, asyncio.timeout(REQUEST_SECONDS):
            return await self._ask(request)

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    async def _ask(self, request: bytes) -> Answer:
        reader, writer = await self._connection()
        try:
            writer.write(request)
            answer = await _read(reader)
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))
        return answer

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One that the server has not closed meanwhile, or a new one."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        address = self._address
        return await asyncio.open_connection(address.host, address.port, ssl=self._tls)


async def _read(reader: asyncio.StreamReader) -> Answer:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    try:
        status, length = int(first.split(" ")[1]), int(headers["content-length"])
    except (IndexError, KeyError, ValueError):
        raise UnreadableAnswer(first) from None
    return Answer(status, headers, await reader.readexactly(length))
