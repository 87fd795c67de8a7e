"""The dialects: what a client says to be sent events, and what it is told besides."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from load.dialect import Dialect, Heard, Over, Ready, Say, WholeLines
from load.errors import LoadError
from load.nats import Nats
from load.publication import prefix

PERMISSION_DENIED = 103


class Tandem(WholeLines):
    """The Centrifuge protocol in JSON: connect and subscribe in one message."""

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


class Plain(WholeLines):
    """An event is a message, and to connect is to subscribe.

    The server says `ready`, a message of its own, once that is so.
    """

    def __init__(self, token: str, channel: str) -> None:
        del token, channel

    def opened(self) -> Iterable[bytes | Ready]:
        return ()

    def hear(self, line: bytes) -> Heard | None:
        return Ready() if line == b"ready" else None


class Silent(Plain):
    """As Plain, but the server does not say that the subscription stands: the handshake does."""

    def opened(self) -> Iterable[bytes | Ready]:
        return (Ready(),)


class SocketIo(WholeLines):
    """Socket.IO 5 on Engine.IO 4; an event is `42["order",{…}]`, and the server chooses the room.

    Each message begins with a digit of Engine.IO (0 open, 2 ping, 3 pong, 4 message), a message of
    which goes on with one of Socket.IO (0 connect, 2 event, 4 refused).
    """

    path = "/socket.io/?EIO=4&transport=websocket"
    prefix = b'42["order",{'

    def __init__(self, token: str, channel: str) -> None:
        del token, channel

    def opened(self) -> Iterable[bytes | Ready]:
        return ()

    def hear(self, line: bytes) -> Heard | None:
        if line.startswith(b"0"):
            return Say(b"40")
        if line == b"2":
            return Say(b"3")
        if line.startswith(b"44"):
            return self._over("connection", line)
        return Ready() if line.startswith(b"40") else None

    def _over(self, what: str, line: bytes) -> Over:
        return Over(
            f"{what} refused", LoadError.refused(f"Socket.IO refused a {what}: {line.decode()}")
        )


class SignedInSocketIo(SocketIo):
    """With a token, and a room that the client asks for: an event that is acknowledged.

    `420["subscribe",…]` is the event with the number 0, `430[true]` the answer to it.
    """

    def __init__(self, token: str, channel: str) -> None:
        super().__init__(token, channel)
        self._connect = b"40" + json.dumps({"token": token}).encode()
        self._subscribe = b"420" + json.dumps(["subscribe", channel]).encode()

    def hear(self, line: bytes) -> Heard | None:
        if line.startswith(b"0"):
            return Say(self._connect)
        if line.startswith(b"40"):
            return Say(self._subscribe)
        if line.startswith(b"430"):
            return Ready() if line == b"430[true]" else self._over("subscription", line)
        return super().hear(line)


DIALECTS: dict[str, Callable[[str, str], Dialect]] = {
    "nats": Nats,
    "plain": Plain,
    "silent": Silent,
    "socketio": SocketIo,
    "socketio-signed-in": SignedInSocketIo,
    "tandem": Tandem,
}
"""By name; each is made for a connection's token and channel."""
