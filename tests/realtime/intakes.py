"""An intake and the socket that feeds it, with commands that can be held up."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.core.config import Settings
from app.realtime.commands.intake import Intake
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.transport import Owner
from app.realtime.wire.codec import JSON, Codec
from app.realtime.wire.frames import Message
from tests.realtime.guarded import Desk, guarding
from tests.realtime.recording import RecordingTransport


class Socket(RecordingTransport):
    """Also a source: `reading` while messages are asked for. Pauses after `room` messages."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = True
        self.room: int | None = None
        self.intake: Owner | None = None

    def take_over(self, owner: Owner) -> "Socket":
        """As a server offers it."""
        self.intake = owner
        return self

    @property
    def owner(self) -> Owner:
        assert self.intake is not None
        return self.intake

    def send(self, message: Message) -> None:
        super().send(message)
        if self.room is not None:
            self.room -= 1
            if not self.room:
                self.block()

    def close(self, code: int, reason: str) -> None:
        super().close(code, reason)
        self.writable = False

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def block(self) -> None:
        """The client stops reading."""
        self.writable = False
        if self.intake is not None:
            self.intake.on_paused()

    def drain(self, room: int | None = None) -> None:
        """The client reads on; so many messages."""
        self.writable, self.room = True, room
        if self.intake is not None:
            self.intake.on_writable()


class Desktop:
    """One client of a desk, as its socket sees it."""

    def __init__(self, desk: Desk, codec: Codec = JSON) -> None:
        self.desk = desk
        self.socket = Socket()
        self.tasks: set[asyncio.Task[None]] = set()
        self.lost: list[Connection] = []
        self.connection = desk.runtime.open(self.socket, codec)
        self.intake = Intake(desk.runtime.stations, self.tasks, self.lost.append)
        self.socket.intake = self.intake
        self._last_id = 0

    def start(self) -> None:
        self.intake.start(self.connection, self.socket)

    def say(self, **command: Any) -> int:
        """A message with one command; its id."""
        self._last_id += 1
        self.intake.on_message(json.dumps({"id": self._last_id, **command}))
        return self._last_id

    def subscribe(self, room: str) -> int:
        return self.say(subscribe={"channel": f"rooms:{room}"})

    def unsubscribe(self, room: str) -> int:
        return self.say(unsubscribe={"channel": f"rooms:{room}"})

    async def connect(self) -> None:
        number = self.say(connect={"token": self.desk.token(self.desk.somebody())})
        await self.socket.reply(number)
        await self.idle()

    async def idle(self) -> None:
        """Until no command is being carried out."""
        while self.tasks:
            await asyncio.wait(self.tasks)

    @property
    def answered(self) -> list[int]:
        return [each["id"] for each in self.socket.documents if "id" in each]

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.desk.runtime.close(self.connection)


@asynccontextmanager
async def taken_in(settings: Settings, codec: Codec = JSON) -> AsyncIterator[Desktop]:
    """Taken over; to be started."""
    async with guarding(settings) as desk:
        one = Desktop(desk, codec)
        try:
            yield one
        finally:
            await one.end()
