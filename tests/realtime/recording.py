"""A transport that records: what stands in for a socket where no network is under test."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from app.realtime.wire.frames import Message

Document = dict[str, Any]

WAIT_SECONDS = 15.0


class RecordingTransport:
    """Keeps every message that it is given; `writable` is a switch, `progress` a counter.

    After it was switched on again, whoever plays the socket calls `connection.pump()`. What is
    given while it takes something leaves at once; a test that wants otherwise counts by itself.
    """

    def __init__(self, *, writable: bool = True) -> None:
        self.writable = writable
        self.progress = 0
        self.messages: list[Message] = []
        self.closed: tuple[int, str] | None = None
        self._news = asyncio.Event()

    # ------------------------------------------------- as a connection sees it

    def send(self, message: Message) -> None:
        assert self.closed is None, f"a message after the close: {message.data!r}"
        self.messages.append(message)
        self.progress += self.writable
        self._news.set()

    def close(self, code: int, reason: str) -> None:
        if self.closed is None:
            self.closed = (code, reason)
            self._news.set()

    # ------------------------------------------------------ as a test sees it

    @property
    def sent(self) -> list[bytes]:
        """The data of each message."""
        return [message.data for message in self.messages]

    @property
    def documents(self) -> list[Document]:
        """Every JSON document sent so far: a message holds one or more, a line each."""
        return [json.loads(line) for message in self.sent for line in message.split(b"\n")]

    def publications(self, channel: str) -> list[Document]:
        """The events ({"data", "offset"}) of this channel so far, as they came."""
        return [pub for pub in self.pushes(channel, "pub") if "offset" in pub]

    def signals(self, channel: str) -> list[Document]:
        """What others have told this channel so far: {"data", "info"}."""
        return [pub for pub in self.pushes(channel, "pub") if "offset" not in pub]

    def pushes(self, channel: str, kind: str) -> list[Document]:
        """The content of each push of this kind in the channel so far."""
        pushes = (document.get("push", {}) for document in self.documents)
        return [push[kind] for push in pushes if push.get("channel") == channel and kind in push]

    async def document(
        self, matches: Callable[[Document], bool], *, seconds: float = WAIT_SECONDS
    ) -> Document:
        """The first document, sent already or yet to come, that matches."""
        await self.until(lambda: any(map(matches, self.documents)), seconds=seconds)
        return next(filter(matches, self.documents))

    async def reply(self, command_id: int, *, seconds: float = WAIT_SECONDS) -> Document:
        """The answer to the command with this id."""
        return await self.document(
            lambda document: document.get("id") == command_id, seconds=seconds
        )

    async def push(
        self, channel: str, kind: str = "pub", *, seconds: float = WAIT_SECONDS
    ) -> Document:
        """The first push of this kind ("pub", "unsubscribe", …) in the channel: its content."""
        found = await self.document(
            lambda document: (
                kind in document.get("push", {}) and document["push"].get("channel") == channel
            ),
            seconds=seconds,
        )
        content: Document = found["push"][kind]
        return content

    async def offset(
        self, channel: str, offset: int, *, seconds: float = WAIT_SECONDS
    ) -> list[Document]:
        """The channel's publications once one of them has reached this offset."""
        await self.until(
            lambda: any(pub["offset"] >= offset for pub in self.publications(channel)),
            seconds=seconds,
        )
        return self.publications(channel)

    async def until_closed(self, *, seconds: float = WAIT_SECONDS) -> tuple[int, str]:
        """Code and reason of the close."""
        await self.until(lambda: self.closed is not None, seconds=seconds)
        assert self.closed is not None
        return self.closed

    async def until(self, condition: Callable[[], bool], *, seconds: float = WAIT_SECONDS) -> None:
        """Look at each message and at the close until it is so; fails with all that was sent."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(
                f"nothing of the kind within {seconds:g} s; closed: {self.closed}; "
                f"sent: {self.documents}"
            ) from None


class OneMessage(RecordingTransport):
    """Takes one message, then is paused."""

    def send(self, message: Message) -> None:
        super().send(message)
        self.writable = False
