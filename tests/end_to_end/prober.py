"""One connection of the fuzzer: sends anything, and checks all that comes back."""

import asyncio
import json
from collections import deque
from contextlib import suppress
from typing import Any

from load.websocket import Address, WebSocket
from tests.end_to_end.described import NotDescribed, description
from tests.end_to_end.line import Line, open_line
from tests.end_to_end.mutations import (
    ANYTHING,
    ERRORS,
    METHODS,
    REPLIED,
    Message,
    Outcome,
    Outcomes,
)

ANSWER_SECONDS = 10.0
SENTINEL = 4_000_000_000
SILENCE = "no answer"
TRAIL = 4
BEFORE = "; sent last: "
SHOWN_BYTES = 300
PUSHES = {"pub", "join", "leave", "unsubscribe"}
Json = dict[str, Any]


class OffContract(AssertionError):
    """The server said what the contract does not know."""


class Prober:
    """Each message is followed by a command whose answer says that the message is done with."""

    def __init__(self) -> None:
        self.code: Outcome | None = None
        """What the connection was closed with."""
        self.wrong: list[str] = []
        self._line: Line
        self._opened = asyncio.Event()
        self._news = asyncio.Event()
        self._outcomes: dict[int, Outcome] = {}
        self._sentinel = SENTINEL
        self._trail: deque[bytes] = deque(maxlen=TRAIL)

    async def open(self, address: Address) -> None:
        self._line = await open_line(address, self)
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._opened.wait()

    async def connect(self, token: str, allowed: Outcomes) -> bool:
        """Whether it may go on."""
        command = json.dumps({"id": 1, "connect": {"token": token}}).encode()
        outcome = await self._outcome_of(Message(command, allowed, id=1))
        if outcome not in allowed:
            self.wrong.append(f"{command!r} -> {outcome}")
        return outcome == REPLIED

    async def send(self, message: Message) -> bool:
        """Whether the connection is still there; `wrong` gets what should not have been."""
        self._sentinel += 1
        self._outcomes.clear()
        self._trail.append(message.payload[:SHOWN_BYTES])
        self._line.send_frame(message.opcode, message.payload)
        ask = {"id": self._sentinel, "unsubscribe": {"channel": "sentinel"}}
        done = Message(json.dumps(ask).encode(), ANYTHING, id=self._sentinel)
        outcome = await self._outcome_of(done)
        if message.id is not None and self.code is None:
            outcome = await self._wait_for(message.id)
        if outcome not in message.allowed:
            self._complain(f"{message.payload[:SHOWN_BYTES]!r} -> {outcome}")
        return self.code is None

    def leave(self) -> None:
        self._line.close()

    async def _outcome_of(self, message: Message) -> Outcome:
        self._line.send(message.payload)
        assert message.id is not None
        return await self._wait_for(message.id)

    async def _wait_for(self, number: int) -> Outcome:
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while number not in self._outcomes and self.code is None:
                    self._news.clear()
                    await self._news.wait()
        if number in self._outcomes:
            return self._outcomes.pop(number)
        return SILENCE if self.code is None else self.code

    # ------------------------------------------------------- what the line tells

    def opened(self, socket: WebSocket) -> None:
        del socket  # known from `open`
        self._opened.set()

    def text(self, payload: bytes, received: int) -> None:
        del received
        for line in payload.split(b"\n"):
            try:
                self._check(json.loads(line))
            except (OffContract, NotDescribed, ValueError) as error:
                self._complain(f"the server said {line[:SHOWN_BYTES]!r}: {error}")
        self._news.set()

    def refused(self, status: int) -> None:
        self.wrong.append(f"a handshake was refused with {status}")
        self.closed(0)

    def closed(self, code: int) -> None:
        self.code = code
        self._opened.set()
        self._news.set()

    def _complain(self, what: str) -> None:
        self.wrong.append(f"{what}{BEFORE}{list(self._trail)}")

    def _check(self, document: Json) -> None:
        description().check_received(document)
        if "id" in document:
            self._outcomes[document["id"]] = outcome = outcome_of(document)
            if outcome not in ERRORS | {REPLIED}:
                raise OffContract("no such error")
        elif "push" in document:
            push = document["push"]
            if not (isinstance(push.get("channel"), str) and len(PUSHES & push.keys()) == 1):
                raise OffContract("no such push")
        elif document:
            raise OffContract("neither reply, push nor ping")
        else:
            self._line.send(b"{}")


def outcome_of(reply: Json) -> Outcome:
    """What a reply tells; raises OffContract if it is none."""
    rest = {key: value for key, value in reply.items() if key != "id"}
    if len(rest) != 1:
        raise OffContract("a reply has one result or an error")
    ((kind, value),) = rest.items()
    if kind == "error" and isinstance(value["message"], str):
        code: int = value["code"]
        return code
    if kind not in METHODS or not isinstance(value, dict):
        raise OffContract("no such result")
    return REPLIED
