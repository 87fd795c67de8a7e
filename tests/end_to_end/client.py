"""A client as an SDK is one, and as light as it gets: keeps its positions, comes back, resumes."""

import asyncio
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from load.ledger import Ledger
from load.websocket import Address, WebSocket
from tests.end_to_end.accounts import Job, Tally, Windows
from tests.end_to_end.described import NotDescribed, description
from tests.end_to_end.line import Line, open_line
from tests.end_to_end.publications import Publications, Reader

BACKOFF_SECONDS = 0.5
MOST_BACKOFF_SECONDS = 5.0
"""Clients come back at random within the first, then within twice as long, as SDKs do."""
SUBSCRIBE_SECONDS = 5.0
RESUBSCRIBE_FROM = 2500


@dataclass
class Common:
    """What the clients of a process share; all of them count into one tally."""

    job: Job
    reader: Reader
    chance: Random
    windows: Windows = field(default_factory=Windows)
    tally: Tally = field(default_factory=Tally)

    @property
    def address(self) -> Address:
        return Address.of(self.job.url, "/ws")

    def backoff(self, failures: int) -> float:
        return self.chance.uniform(0, min(MOST_BACKOFF_SECONDS, BACKOFF_SECONDS * 2**failures))


class Client:
    """Follows one channel from where it first stood. `ready` once that is known.

    It filters nothing: what comes twice or not at all is what its ledger is for.
    """

    def __init__(self, common: Common, token: str) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ledger: Ledger | None = None
        self.line: Line | None = None
        self.subscribed = False
        self.unsubscribed = False
        self.gone = False
        self._common = common
        self._token = token
        self._epoch = ""
        self._own: dict[str, dict[str, Any]] = {}
        self._pong = False
        self._failures = 0
        self._away: float | None = None
        self._leaving = not common.job.comes_back
        self._opening: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------ the connection

    def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(SUBSCRIBE_SECONDS, self._give_up)
        self._opening = loop.create_task(self._open())

    def cut(self, away: float) -> None:
        """Abort the connection without a word, and be away for so many seconds."""
        if self.line is not None and self.subscribed:
            self._common.tally.cuts += 1
            self._drop(away)

    def leave(self) -> None:
        """For good."""
        self._leaving = True
        if self.line is not None:
            self._drop(0)

    async def _open(self) -> None:
        try:
            await open_line(self._common.address, self, narrow=self._common.job.narrow)
        except OSError as error:
            self._over(f"no connection: {type(error).__name__}")

    def _give_up(self) -> None:
        """As SDKs do when a subscription takes too long."""
        self._common.tally.end("time-out")
        if self.line is not None:
            self._drop(self._common.backoff(self._failures))
        elif self._opening is not None and not self._opening.done():
            self._opening.cancel()
            self._over("no answer to a connection")

    def _drop(self, away: float) -> None:
        self._away = away
        if self.line is not None:
            self.line.close()

    def _over(self, how: str) -> None:
        """The connection has ended, or did not come to be."""
        self._failures = 0 if self.subscribed else self._failures + 1
        if self._deadline is not None:
            self._deadline.cancel()
        self.line, self.subscribed = None, False
        if self._away is None:
            self._common.tally.end(how)
        pause = self._common.backoff(self._failures) if self._away is None else self._away
        self._away = None
        if self._leaving:
            self.gone = True
        else:
            asyncio.get_running_loop().call_later(pause, self.open)

    # ------------------------------------------------------- what the line tells

    def opened(self, socket: WebSocket) -> None:
        assert isinstance(socket, Line)
        self.line = socket
        connect = {"token": self._token, "name": "proof", "subs": self._own}
        self.line.send(
            json.dumps({"id": 1, "connect": connect}).encode() + b"\n" + self._subscribe_command()
        )

    def text(self, payload: bytes, received: int) -> None:
        publications = self._common.reader.all_of(payload)
        if publications is not None:
            self._take(publications, received)
            return
        for line in payload.split(b"\n"):
            one = self._common.reader.one(line)
            if one is not None:
                self._take((one,), received)
            elif line:
                self._answer(json.loads(line))

    def refused(self, status: int) -> None:
        self._over(f"refused {status}")

    def closed(self, code: int) -> None:
        self._over(f"close {code}")

    # ----------------------------------------------------------- the subscription

    def subscribe(self) -> None:
        """Again, from the head, after the server had ended the subscription."""
        if self.line is not None and self.unsubscribed:
            self.unsubscribed, self.ledger = False, None
            self.line.send(self._subscribe_command())

    def _subscribe_command(self) -> bytes:
        position: dict[str, Any] = {}
        if self.ledger is not None:
            position = {"recover": True, "epoch": self._epoch, "offset": self.ledger.highest}
        request = {"channel": self._common.job.channel, **position}
        return json.dumps({"id": 2, "subscribe": request}).encode()

    def _take(self, publications: Publications, received: int) -> None:
        common = self._common
        common.tally.received += len(publications)
        if self.ledger is None or not self.subscribed:
            common.tally.late += len(publications)
            return
        for offset, at in publications:
            self.ledger.take(offset)
            common.windows.note(at, received)

    def _answer(self, message: dict[str, Any]) -> None:
        """Everything but publications of the channel, which are told of in their thousands."""
        self._check(message)
        if not message and self._pong and self.line is not None:
            self.line.send(b"{}")
        elif "error" in message:
            self._common.tally.end(f"error {message['error']['code']}")
            self._drop(self._common.backoff(self._failures))
        elif "connect" in message:
            self._connected(message["connect"])
        elif "subscribe" in message:
            self._subscribed(message["subscribe"])
        elif "push" in message:
            self._pushed(message["push"])

    def _check(self, message: dict[str, Any]) -> None:
        try:
            description().check_received(message)
        except NotDescribed as error:
            self._common.tally.undescribed += 1
            self._common.tally.end(f"not described: {error}")

    def _connected(self, result: dict[str, Any]) -> None:
        self._pong = result.get("pong", False)
        for channel, own in result.get("subs", {}).items():
            self._check_recovered(own)
            position = {"epoch": own["epoch"], "offset": own.get("offset", 0)}
            self._own[channel] = {"recover": True, **position}

    def _subscribed(self, result: dict[str, Any]) -> None:
        self._check_recovered(result)
        if self._deadline is not None:
            self._deadline.cancel()
        if self.ledger is None:
            self.ledger = Ledger(result.get("offset", 0))
        else:
            self._common.tally.returns += 1
        self._epoch, self.subscribed = result["epoch"], True
        if not self.ready.done():
            self.ready.set_result(None)

    def _check_recovered(self, result: dict[str, Any]) -> None:
        if result.get("was_recovering") and not result.get("recovered"):
            self._common.tally.unrecovered += 1

    def _pushed(self, push: dict[str, Any]) -> None:
        own = self._own.get(push["channel"])
        if own is not None and "pub" in push:
            own["offset"] = push["pub"]["offset"]
        elif push["channel"] == self._common.job.channel and "unsubscribe" in push:
            code = push["unsubscribe"]["code"]
            self._common.tally.end(f"unsubscribe {code}")
            self.subscribed = False
            if code >= RESUBSCRIBE_FROM and self.line is not None:
                self.line.send(self._subscribe_command())
            else:
                self.unsubscribed = True
