"""One connection of a client process: connects, subscribes, and accounts for what it is sent."""

import asyncio
import json
import sys
from typing import Any

from load.errors import LoadError
from load.histogram import Histogram
from load.ledger import Ledger
from load.publication import prefix, scan
from load.websocket import WebSocket

PERMISSION_DENIED = 103
CONNECTION_LIMIT = 3504


class Receipts:
    """What the connections of one process received, together."""

    def __init__(self) -> None:
        self.latencies = Histogram()
        self.measure_from = sys.maxsize
        """Microseconds since 1970; earlier events are accounted for but not timed."""
        self.deliveries = 0
        self.last = 0

    def note(self, at: int, received: int) -> None:
        """Both in microseconds since 1970."""
        self.deliveries += 1
        if at >= self.measure_from:
            self.latencies.record(received - at)
            self.last = received


class Subscriber:
    """Listens to a WebSocket; `ready` is done once the subscription stands, or raises LoadError.

    `gone` is done once the socket is closed.
    """

    def __init__(self, token: str, channel: str, receipts: Receipts) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ledger = Ledger(0)
        self.ended: str | None = None
        self._token = token
        self._channel = channel
        self._prefix = prefix(channel)
        self._receipts = receipts
        self._pong = False
        self._socket: WebSocket

    def opened(self, socket: WebSocket) -> None:
        self._socket = socket
        connect = {"id": 1, "connect": {"token": self._token, "name": "load"}}
        subscribe = {"id": 2, "subscribe": {"channel": self._channel}}
        socket.send(f"{json.dumps(connect)}\n{json.dumps(subscribe)}".encode())

    def text(self, payload: bytes, received: int) -> None:
        for line in payload.split(b"\n"):
            found = scan(line) if line.startswith(self._prefix) else None
            if found:
                self.ledger.take(found[0])
                self._receipts.note(found[1], received)
            elif line:
                self._answer(json.loads(line))

    def refused(self, status: int) -> None:
        self._end(
            f"handshake {status}", LoadError.unreachable(f"{_HANDSHAKE} {status or 'no HTTP'}")
        )

    def closed(self, code: int) -> None:
        self._end(f"close {code}", _close_error(code))
        if not self.gone.done():
            self.gone.set_result(None)

    def leave(self) -> None:
        """Close the socket; not an early end."""
        self.ended = self.ended or ""
        self._socket.close()

    def _answer(self, message: dict[str, Any]) -> None:
        """Everything but publications: replies, pings, and the end of the subscription."""
        if not message and self._pong:
            self._socket.send(b"{}")
        elif "error" in message:
            error = message["error"]
            self._end(f"error {error['code']}", _reply_error(self._channel, error))
        elif "connect" in message:
            self._pong = message["connect"].get("pong", False)
        elif "subscribe" in message:
            self.ledger = Ledger(message["subscribe"].get("offset", 0))
            if not self.ready.done():
                self.ready.set_result(None)
        elif "push" in message:
            self._push(message["push"])

    def _push(self, push: dict[str, Any]) -> None:
        if push.get("channel") == self._channel and "unsubscribe" in push:
            code = push["unsubscribe"]["code"]
            self._end(f"unsubscribed {code}", LoadError.refused(f"unsubscribed with {code}"))

    def _end(self, how: str, error: LoadError) -> None:
        if self.ended is None:
            self.ended = how
        if not self.ready.done():
            self.ready.set_exception(error)


_HANDSHAKE = "the target refused a WebSocket:"


def _reply_error(channel: str, error: dict[str, Any]) -> LoadError:
    if error["code"] == PERMISSION_DENIED:
        return LoadError.refused(f"this account may not subscribe to `{channel}`: sign in as staff")
    return LoadError.refused(
        f"the target answered error {error['code']}: {error.get('message', '')}"
    )


def _close_error(code: int) -> LoadError:
    if code == CONNECTION_LIMIT:
        return LoadError.refused(
            "the target allows fewer connections a user: lower --connections,"
            " or start it with TANDEM_CONNECTIONS_PER_USER=0"
        )
    return LoadError.unreachable(f"the target closed a socket with {code} before it was subscribed")
