"""A client of the socket, as an SDK would be: keeps its positions, reconnects, resumes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.end_to_end.described import description

WAIT_SECONDS = 30.0
RETRY_SECONDS = 0.1


@dataclass
class Received:
    """A publication, and when it came (Unix time in seconds)."""

    offset: int
    event: dict[str, Any]
    at: float


class Socket:
    """One connection, spoken to by hand. All that is said is as the AsyncAPI document describes."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self._documents: list[dict[str, Any]] = []
        self._next_id = 0

    async def send(self, **command: Any) -> int:
        self._next_id += 1
        document = {"id": self._next_id, **command}
        description().check_sent(document)
        await self.websocket.send(json.dumps(document))
        return self._next_id

    async def document(self) -> dict[str, Any]:
        """The next document; pings are answered and passed over."""
        while not self._documents:
            message = await self.websocket.recv()
            text = message if isinstance(message, str) else message.decode()
            self._documents = [json.loads(line) for line in text.split("\n")]
            for document in self._documents:
                description().check_received(document)
            if {} in self._documents:
                await self.websocket.send("{}")
            self._documents = [document for document in self._documents if document]
        return self._documents.pop(0)

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command; its reply. Pushes in between stay for `document`."""
        number = await self.send(**command)
        passed: list[dict[str, Any]] = []
        async with asyncio.timeout(WAIT_SECONDS):
            while (reply := await self.document()).get("id") != number:
                passed.append(reply)
        self._documents = passed + self._documents
        return reply

    async def closed(self) -> int:
        """Read until the server closes; the close code, 1006 for none."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                try:
                    await self.document()
                except ConnectionClosed as closed:
                    return closed.rcvd.code if closed.rcvd else 1006


@asynccontextmanager
async def open_socket(url: str, token: str | None = None, **options: Any) -> AsyncIterator[Socket]:
    """A connection; with a token it is signed in. Options are those of `connect`."""
    async with connect(url, **{"compression": None, "max_size": None, **options}) as websocket:
        socket = Socket(websocket)
        if token is not None:
            reply = await socket.ask(connect={"token": token})
            assert "connect" in reply, reply
        yield socket


class Subscriber:
    """Follows one channel for as long as it runs, whatever happens to its connection.

    `received` holds every publication in the order of arrival. A gap or a repeat is what the
    test looks for, so nothing is filtered.
    """

    def __init__(self, url: str, token: str, channel: str, *, server_side: bool = False) -> None:
        self.received: list[Received] = []
        self.subscribed = asyncio.Event()
        self.start_offset: int | None = None
        self.unrecovered = 0
        self.drops = 0
        self._url, self._token, self._channel = url, token, channel
        self._server_side = server_side
        self._epoch = ""
        self._offset = 0
        self._socket: Socket | None = None
        self._news = asyncio.Condition()

    @property
    def offsets(self) -> list[int]:
        return [one.offset for one in self.received]

    @property
    def delays(self) -> list[float]:
        """Receipt minus the event's `at`, in seconds."""
        return [
            one.at - datetime.fromisoformat(one.event["at"]).timestamp() for one in self.received
        ]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with open_socket(self._url) as socket:
                    self._socket = socket
                    await self._follow(socket)
            except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
                self.drops += 1
                self.subscribed.clear()
                await asyncio.sleep(RETRY_SECONDS)

    async def drop(self) -> None:
        """Cut the connection without a word; `run` comes back."""
        if self._socket is not None:
            self._socket.websocket.transport.abort()

    async def reaches(self, offset: int, seconds: float = WAIT_SECONDS) -> None:
        """Wait until this offset was received."""
        await self.until(lambda: self._offset >= offset, seconds)

    async def until(self, condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(condition)

    async def _follow(self, socket: Socket) -> None:
        position = {"recover": True, "epoch": self._epoch, "offset": self._offset}
        wanted = position if self.start_offset is not None else {}
        subs = {self._channel: wanted} if self._server_side and wanted else {}
        reply = await socket.ask(connect={"token": self._token, "subs": subs})
        if self._server_side:
            result = reply["connect"]["subs"][self._channel]
        else:
            answer = await socket.ask(subscribe={"channel": self._channel, **wanted})
            if "error" in answer:
                raise TimeoutError(answer)
            result = answer["subscribe"]
        self._take_position(result)
        while True:
            document = await socket.document()
            push = document.get("push", {})
            if push.get("channel") == self._channel and "pub" in push:
                await self._receive(push["pub"])

    def _take_position(self, result: dict[str, Any]) -> None:
        if result.get("was_recovering") and not result.get("recovered"):
            self.unrecovered += 1
        if not result.get("recovered"):
            self._offset = result["offset"]
        if self.start_offset is None:
            self.start_offset = result["offset"]
        self._epoch = result["epoch"]
        self.subscribed.set()

    async def _receive(self, publication: dict[str, Any]) -> None:
        self.received.append(Received(publication["offset"], publication["data"], time.time()))
        async with self._news:
            self._offset = publication["offset"]
            self._news.notify_all()


@asynccontextmanager
async def running(subscribers: list[Subscriber]) -> AsyncIterator[None]:
    """Run them all; subscribed on entry, ended on exit."""
    tasks = [asyncio.create_task(one.run()) for one in subscribers]
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            for one in subscribers:
                await one.subscribed.wait()
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
    assert not failed, failed
