r"""The NATS client protocol over a WebSocket: a stream of operations, cut into messages anywhere.

    MSG orders 1 331\r\n{"type":…,"offset":12}\r\n

With a token it signs in as USER, whose password that is, and subscribes to a subject of its own
besides. Every connection subscribes as number 1, so that all are sent the same bytes.
"""

import json
from collections.abc import Iterable, Sequence

from load.dialect import Heard, Over, Ready, Say
from load.errors import LoadError
from load.frames import Opcode

END = b"\r\n"
USER = "load"
_MESSAGE = b"MSG "


class Nats:
    """Lines are the payloads of messages, which begin with a brace, and other operations.

    A message whose bytes are known holds whole operations, and so cannot follow half of one.
    """

    path = "/"
    prefix = b"{"
    opcode = Opcode.BINARY  # the server takes no other

    def __init__(self, token: str, channel: str) -> None:
        own = f"SUB users.{USER} 2\r\n" if token else ""
        self._opening = connect(token) + f"SUB {channel} 1\r\n{own}PING\r\n".encode()
        self._rest = b""

    def opened(self) -> Iterable[bytes | Ready]:
        """The answer to the ping says that the subscription stands."""
        yield self._opening

    def whole(self, message: bytes) -> Sequence[bytes] | None:
        lines, rest = split(message)
        return None if rest or self._rest else lines

    def lines(self, message: bytes) -> Sequence[bytes]:
        lines, self._rest = split(self._rest + message)
        return lines

    def hear(self, line: bytes) -> Heard | None:
        if line == b"PING":
            return Say(b"PONG\r\n")
        if line == b"PONG":
            return Ready()
        if line.startswith(b"-ERR"):
            return Over(line.decode(), LoadError.refused(f"nats-server answered {line.decode()}"))
        return None

    def resume(self, offset: int) -> None:
        """Core NATS cannot."""


def connect(password: str = "") -> bytes:
    """The operation that a client begins with."""
    user = {"user": USER, "pass": password} if password else {}
    options = {"verbose": False, "pedantic": False, "protocol": 1, "name": "load", **user}
    return f"CONNECT {json.dumps(options)}\r\n".encode()


def split(stream: bytes) -> tuple[list[bytes], bytes]:
    """The payloads and other operations that are complete, and what follows them."""
    found: list[bytes] = []
    begin = 0
    while (end := stream.find(END, begin)) >= 0:
        line, after = stream[begin:end], end + len(END)
        if line.startswith(_MESSAGE):
            size = int(line[line.rindex(b" ") :])
            if len(stream) < after + size + len(END):
                break
            line, after = stream[after : after + size], after + size + len(END)
        found.append(line)
        begin = after
    return found, stream[begin:]
