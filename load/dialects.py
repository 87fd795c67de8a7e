"""How a server is spoken to: what a client says to be sent events, and what it is told besides.

A message of events is one event a line, each of which begins with the dialect's `prefix` and holds
`"at":"…Z"` and, last of all numbers so named, `"offset":N` (see `publication`).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from load.errors import LoadError
from load.publication import prefix

PERMISSION_DENIED = 103


@dataclass(frozen=True)
class Ready:
    """The subscription stands; the last event before it has this offset."""

    offset: int = 0


@dataclass(frozen=True)
class Over:
    """The subscription has ended, or never came to be; `how` in a few words."""

    how: str
    error: LoadError


@dataclass(frozen=True)
class Say:
    """The server waits for this answer."""

    text: bytes


Heard = Ready | Over | Say


class Dialect(Protocol):
    """The side of one connection."""

    path: str
    prefix: bytes

    def opened(self) -> Iterable[bytes | Ready]:
        """The handshake is done: messages to send; Ready if no answer says so."""
        ...

    def hear(self, line: bytes) -> Heard | None:
        """A line that is no event."""
        ...

    def resume(self, offset: int) -> None:
        """The next connection goes on after this offset, if the server can do that."""
        ...


class Tandem:
    """The Centrifuge protocol in JSON: connect and subscribe in one message."""

    path = "/ws"

    def __init__(self, token: str, channel: str) -> None:
        self.prefix = prefix(channel)
        self._token = token
        self._channel = channel
        self._pong = False
        self._epoch = ""
        self._position: dict[str, Any] = {}

    def resume(self, offset: int) -> None:
        self._position = {"recover": True, "offset": offset, "epoch": self._epoch}

    def opened(self) -> Iterable[bytes | Ready]:
        connect = {"id": 1, "connect": {"token": self._token, "name": "load"}}
        subscribe = {"id": 2, "subscribe": {"channel": self._channel, **self._position}}
        yield f"{json.dumps(connect)}\n{json.dumps(subscribe)}".encode()

    def hear(self, line: bytes) -> Heard | None:
        """Everything but publications: replies, pings, and the end of the subscription."""
        message: dict[str, Any] = json.loads(line)
        if not message:
            return Say(b"{}") if self._pong else None
        if "error" in message:
            error = message["error"]
            return Over(f"error {error['code']}", self._denied(error))
        if "connect" in message:
            self._pong = message["connect"].get("pong", False)
        elif "subscribe" in message:
            self._epoch = message["subscribe"].get("epoch", "")
            return Ready(message["subscribe"].get("offset", 0))
        return self._push(message.get("push", {}))

    def _push(self, push: Mapping[str, Any]) -> Over | None:
        if push.get("channel") != self._channel or "unsubscribe" not in push:
            return None
        code = push["unsubscribe"]["code"]
        return Over(f"unsubscribed {code}", LoadError.refused(f"unsubscribed with {code}"))

    def _denied(self, error: Mapping[str, Any]) -> LoadError:
        if error["code"] == PERMISSION_DENIED:
            channel = self._channel
            return LoadError.refused(
                f"this account may not subscribe to `{channel}`: sign in as staff"
            )
        return LoadError.refused(
            f"the target answered error {error['code']}: {error.get('message', '')}"
        )


class Plain:
    """An event is a message, and to connect is to subscribe.

    The server says `ready`, a message of its own, once that is so.
    """

    path = "/ws"
    prefix = b"{"

    def __init__(self, token: str, channel: str) -> None:
        del token, channel

    def resume(self, offset: int) -> None:
        """It cannot."""

    def opened(self) -> Iterable[bytes | Ready]:
        return ()

    def hear(self, line: bytes) -> Heard | None:
        return Ready() if line == b"ready" else None


DIALECTS: dict[str, Callable[[str, str], Dialect]] = {"tandem": Tandem, "plain": Plain}
"""By name; each is made for a connection's token and channel."""
