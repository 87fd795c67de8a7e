"""A connection that follows many channels, each with an account of its own."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from load.errors import LoadError
from load.ledger import Ledger
from load.publication import scan
from load.receipts import Receipts
from load.subscriber import end_of
from load.websocket import WebSocket

_BEFORE = b'{"push":{"channel":"'
_AFTER = b'","pub":{'
_FIRST = 2
"""The id of the first subscription; 1 is the connect."""
_SUBSCRIBES = 32
"""So many go into one message; the next follows once all of it is answered, as they have a limit of
time together.
"""
_TRIES = 5
"""Of each subscription, where the target answers that it may be tried again."""


class ManyLedger:
    """The accounts of many channels.

    What is lost after the last event of a channel is missed here: whoever made the events knows
    it by `received`.
    """

    def __init__(self) -> None:
        self.channels: dict[bytes, Ledger] = {}

    @property
    def duplicated(self) -> int:
        return sum(each.duplicated for each in self.channels.values())

    @property
    def out_of_order(self) -> int:
        return sum(each.out_of_order for each in self.channels.values())

    @property
    def received(self) -> int:
        return sum(each.received for each in self.channels.values())

    def complete_to(self) -> int:
        return 0

    def lost(self, until: int) -> int:
        return self.holes(until)

    def holes(self, until: int) -> int:
        """Before the last that came; `until` is of no channel."""
        del until
        return sum(each.holes(each.highest) for each in self.channels.values())

    def missed(self, until: int) -> int:
        del until
        return 0

    def settle(self, until: int) -> None:
        del until
        for each in self.channels.values():
            each.settle(each.highest)


class ManySubscriber:
    """A Listener of Tandem's JSON; `ready` is done once every subscription stands."""

    def __init__(self, token: str, channels: Sequence[str], receipts: Receipts) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ledger = ManyLedger()
        self.ended: str | None = None
        self._token = token
        self._channels = channels
        self._to_ask = deque(range(len(channels)))
        self._asked: set[int] = set()
        self._refusals: Counter[int] = Counter()
        self._receipts = receipts
        self._socket: WebSocket

    def opened(self, socket: WebSocket) -> None:
        self._socket = socket
        socket.send(json.dumps({"id": 1, "connect": {"token": self._token}}).encode())
        self._ask()

    def text(self, payload: bytes, received: int) -> None:
        for line in payload.split(b"\n"):
            event = scan(line) if line.startswith(_BEFORE) else None
            if event:
                channel = line[len(_BEFORE) : line.index(_AFTER)]
                self.ledger.channels[channel].take(event.offset)
                self._receipts.note([event], received)
            elif line:
                self._hear(line)

    def refused(self, status: int) -> None:
        self._end(LoadError.unreachable(f"the target refused a WebSocket: {status}"))

    def closed(self, code: int) -> None:
        if self.ended is None:
            self.ended = f"close {code}"
        self._end(end_of(code))

    def leave(self) -> None:
        self.ended = self.ended or ""
        self._socket.close()

    def _hear(self, line: bytes) -> None:
        message = json.loads(line)
        if not message:
            self._socket.send(b"{}")
        elif "error" in message:
            self._refuse(message["id"] - _FIRST, message["error"])
        elif "subscribe" in message:
            self._stand(message["id"] - _FIRST, message["subscribe"].get("offset", 0))

    def _ask(self) -> None:
        """For the next ones; nothing that was asked for is unanswered."""
        count = min(_SUBSCRIBES, len(self._to_ask))
        asked = [self._to_ask.popleft() for _ in range(count)]
        asks = [
            {"id": nth + _FIRST, "subscribe": {"channel": self._channels[nth]}} for nth in asked
        ]
        self._asked.update(asked)
        self._socket.send("\n".join(map(json.dumps, asks)).encode())

    def _stand(self, nth: int, offset: int) -> None:
        self.ledger.channels[self._channels[nth].encode()] = Ledger(offset)
        self._answered(nth)
        if len(self.ledger.channels) == len(self._channels) and not self.ready.done():
            self.ready.set_result(None)

    def _refuse(self, nth: int, error: dict[str, Any]) -> None:
        self._refusals[nth] += 1
        if nth < 0 or not error.get("temporary") or self._refusals[nth] == _TRIES:
            self._end(LoadError.refused(f"the target answered {error}"))
            return
        self._to_ask.append(nth)
        self._answered(nth)

    def _answered(self, nth: int) -> None:
        self._asked.discard(nth)
        if not self._asked and self._to_ask:
            self._ask()

    def _end(self, error: LoadError) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
