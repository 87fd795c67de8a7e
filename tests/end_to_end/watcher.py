"""Somebody who watches who is there: a view kept by joins and leaves alone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.end_to_end.scrape import held_by
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.subscriber import Socket, open_socket

ANSWER_SECONDS = 5.0
TRIES = 64

Present = dict[str, Any]
"""Client id to client info, as the command `presence` answers."""


class Watcher:
    """Begins with one answer of `presence`; from then on only joins and leaves change `view`."""

    def __init__(self, socket: Socket, channel: str) -> None:
        self.view: Present = {}
        self.pushes = 0
        self.last_push = 0.0
        """`time.monotonic()` of the last join or leave."""
        self._socket = socket
        self._channel = channel
        self._answer: asyncio.Future[Present] | None = None

    async def begin(self) -> None:
        subscribed = await self._socket.ask(
            subscribe={"channel": self._channel, "join_leave": True}
        )
        assert "subscribe" in subscribed, subscribed

    async def presence(self) -> Present:
        """What the server answers now; not what the view says."""
        self._answer = asyncio.get_running_loop().create_future()
        await self._socket.send(presence={"channel": self._channel})
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._answer

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            document = await self._socket.document()
            if "push" in document and document["push"].get("channel") == self._channel:
                self._apply(document["push"])
            elif self._answer is not None and "presence" in document:
                self._answer.set_result(document["presence"]["presence"])
            elif self._answer is not None and "error" in document:
                self._answer.set_exception(AssertionError(document["error"]))

    def _apply(self, push: dict[str, Any]) -> None:
        if "join" in push:
            self.view[push["join"]["info"]["client"]] = push["join"]["info"]
        elif "leave" in push:
            self.view.pop(push["leave"]["info"]["client"], None)
        else:
            return
        self.pushes += 1
        self.last_push = time.monotonic()


@asynccontextmanager
async def watching(
    server: ServerProcess, token: str, channel: str, *, count: int, worker: int
) -> AsyncIterator[list[Watcher]]:
    """So many watchers on the worker with this process id; their views are complete on entry."""
    async with AsyncExitStack() as stack:
        watchers = []
        for _ in range(count):
            socket = await stack.enter_async_context(_socket_on(server, token, worker))
            watchers.append(Watcher(socket, channel))
            await watchers[-1].begin()
        following = [asyncio.create_task(each.follow()) for each in watchers]
        try:
            for each in watchers:
                each.view = await each.presence()
            yield watchers
        finally:
            for task in following:
                task.cancel()
            ends = await asyncio.gather(*following, return_exceptions=True)
        failed = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
        assert not failed, failed


@asynccontextmanager
async def _socket_on(server: ServerProcess, token: str, worker: int) -> AsyncIterator[Socket]:
    """The kernel spreads connections over the workers: try until one is where it should be."""
    for _ in range(TRIES):
        async with open_socket(server.socket_url, token) as socket:
            port = socket.websocket.local_address[1]
            if held_by(server, [port])[worker]:
                yield socket
                return
    raise AssertionError("no connection reached the worker")
