"""The port of a wire format, and the JSON flavour of the Centrifuge protocol.

A WebSocket message holds one or more documents. In JSON they are separated by newlines.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from app.realtime.wire.codes import CloseCode, Disconnect
from app.realtime.wire.frames import Opcode
from app.realtime.wire.protocol import Push, Reply
from app.realtime.wire.requests import PONG, Call, Command


@dataclass(frozen=True)
class LogPage:
    """A part of a channel's log: events as (offset, payload), and where the log stands."""

    epoch: str
    offset: int
    events: Sequence[tuple[int, bytes]] = ()


class Codec(Protocol):
    """How one flavour of the protocol is written; stateless, one object for all connections.

    `join` makes one message's data of documents that are encoded already.
    """

    opcode: Opcode
    ping: bytes

    def parse(self, message: str | bytes) -> Iterator[Call]:
        """The commands of one WebSocket message, each read when it is asked for: a message may
        hold tens of thousands. Raises Disconnect(BAD_REQUEST) at the first that is none.
        """
        ...

    def encode(self, document: Reply | Push) -> bytes: ...

    def publication(self, channel: str, offset: int, payload: bytes) -> bytes:
        """The push of an event of the log; `payload` is the event's JSON as it was recorded."""
        ...

    def history(self, command_id: int, page: LogPage) -> bytes:
        """The reply to `history`, its events byte for byte as they were recorded."""
        ...

    def join(self, documents: Sequence[bytes]) -> bytes: ...


DOCUMENT = re.compile(r"[^ \t\r\n][^\n]*")
"""A line without the blanks before it. So blank lines, however many, are stepped over at once."""


class JsonCodec:
    """Text messages; documents on a line each."""

    opcode = Opcode.TEXT
    ping = b"{}"

    def parse(self, message: str | bytes) -> Iterator[Call]:
        if isinstance(message, bytes) or not message or message.isspace():
            raise Disconnect(CloseCode.BAD_REQUEST)
        for line in DOCUMENT.finditer(message):
            yield _parse_one(line.group())

    def encode(self, document: Reply | Push) -> bytes:
        return document.model_dump_json(exclude_none=True).encode()

    def publication(self, channel: str, offset: int, payload: bytes) -> bytes:
        return b'{"push":{"channel":%b,"pub":{"data":%b,"offset":%d}}}' % (
            _quoted(channel),
            payload,
            offset,
        )

    def history(self, command_id: int, page: LogPage) -> bytes:
        events = b",".join(
            b'{"data":%b,"offset":%d}' % (payload, offset) for offset, payload in page.events
        )
        return b'{"id":%d,"history":{"publications":[%b],"epoch":%b,"offset":%d}}' % (
            command_id,
            events,
            _quoted(page.epoch),
            page.offset,
        )

    def join(self, documents: Sequence[bytes]) -> bytes:
        return b"\n".join(documents)


JSON = JsonCodec()
validate: Callable[[Any], Command] = TypeAdapter(Command).validator.validate_python
"""What `Command.model_validate` comes to, without its own price."""


def _parse_one(document: str) -> Call:
    try:
        command = _read(document)
    except ValueError:
        raise Disconnect(CloseCode.BAD_REQUEST) from None
    call = PONG if command.is_pong and document.strip() == "{}" else command.call()
    if call is None:
        raise Disconnect(CloseCode.BAD_REQUEST)
    return call


def _read(document: str) -> Command:
    """Raises ValueError. In two steps, since Pydantic's one from text to model takes NaN."""
    given = from_json(document, allow_inf_nan=False)
    try:
        return validate(given)
    except ValidationError as error:
        _leave_out_nulls(given, error)
    return validate(given)


def _leave_out_nulls(given: Any, error: ValidationError) -> None:
    """A field that is null counts as left out; raises the error where anything else is wrong.

    Only what the error names is looked at: most of a large document is nobody's but the client's.
    """
    for wrong in error.errors(include_url=False, include_context=False):
        path = wrong["loc"]
        if not path or wrong["input"] is not None:
            raise error
        *above, name = path
        holder = given
        for step in above:
            holder = holder[step]
        del holder[name]


@lru_cache(maxsize=4096)
def _quoted(text: str) -> bytes:
    return json.dumps(text).encode()
