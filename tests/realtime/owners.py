"""Owners of taken-over connections, and the ASGI apps that hand connections to them."""

from collections.abc import Callable
from typing import Any

from app.realtime.fanout.transport import Owner, Transport, find_take_over
from app.realtime.wire.frames import Message, Opcode

Scope = dict[str, Any]


class RecordingOwner:
    """Keeps what it is told: messages, and "pong", "paused", "writable" and "lost" among `changes`.

    `on_news` may be set to act as soon as a message comes.
    """

    def __init__(self) -> None:
        self.transport: Transport | None = None
        self.messages: list[str | bytes] = []
        self.changes: list[str] = []
        self.on_news: Callable[[str | bytes], None] | None = None

    @property
    def carrier(self) -> Transport:
        assert self.transport is not None
        return self.transport

    def say(self, text: str | bytes) -> None:
        self.carrier.send(as_message(text))

    def on_message(self, message: str | bytes) -> None:
        self.messages.append(message)
        if self.on_news is not None:
            self.on_news(message)

    def on_pong(self) -> None:
        self.changes.append("pong")

    def on_paused(self) -> None:
        self.changes.append("paused")

    def on_writable(self) -> None:
        self.changes.append("writable")

    def on_lost(self) -> None:
        self.changes.append("lost")


class OneAtATime(RecordingOwner):
    """Pauses at each message."""

    def on_message(self, message: str | bytes) -> None:
        super().on_message(message)
        self.carrier.pause_reading()


class EchoingOwner(RecordingOwner):
    """Says everything back, and reads no more than the client takes."""

    def on_message(self, message: str | bytes) -> None:
        self.say(message)

    def on_paused(self) -> None:
        self.carrier.pause_reading()

    def on_writable(self) -> None:
        self.carrier.resume_reading()


def as_message(text: str | bytes) -> Message:
    if isinstance(text, str):
        return Message(text.encode())
    return Message(text, Opcode.BINARY)


async def accept_and_take_over(scope: Scope, receive: Any, send: Any, owner: Owner) -> Transport:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    take_over = find_take_over(scope)
    assert take_over is not None
    return take_over(owner)


async def echo(scope: Scope, receive: Any, send: Any) -> None:
    """Under /route as an ordinary route, under any other path taken over."""
    if scope["path"] == "/route":
        await echo_route(receive, send)
    else:
        owner = EchoingOwner()
        owner.transport = await accept_and_take_over(scope, receive, send, owner)


async def echo_route(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})
