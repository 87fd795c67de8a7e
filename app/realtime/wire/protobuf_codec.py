"""The Protobuf flavour of the Centrifuge protocol, by the schema in centrifuge.proto.

A WebSocket message is binary and holds one or more documents, each behind its length as a varint.
Fields of bytes hold the UTF-8 of a JSON value, as they do in other servers for JSON applications.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from io import BytesIO
from itertools import islice
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.proto import parse_length_prefixed, serialize_length_prefixed
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from app.realtime.wire import centrifuge_pb2 as schema
from app.realtime.wire.codec import LogPage
from app.realtime.wire.codes import CloseCode, Disconnect
from app.realtime.wire.frames import Opcode
from app.realtime.wire.protocol import Push, Reply
from app.realtime.wire.requests import MAX_SUBS, PONG, Call, Command


class ProtobufCodec:
    """Binary messages; documents one after the other."""

    opcode = Opcode.BINARY
    ping = b"\x00"

    def parse(self, message: str | bytes) -> Iterator[Call]:
        if not isinstance(message, bytes) or not message:
            raise Disconnect(CloseCode.BAD_REQUEST)
        return map(_parse_one, _split(message))

    def encode(self, document: Reply | Push) -> bytes:
        reply = schema.Reply()
        _fill(reply, document.model_dump(exclude_none=True))
        return _prefixed(reply)

    def publication(self, channel: str, offset: int, payload: bytes) -> bytes:
        pub = {"data": payload, "offset": offset}
        return _prefixed(schema.Reply(push={"channel": channel, "pub": pub}))

    def history(self, command_id: int, page: LogPage) -> bytes:
        result = {
            "publications": [
                {"data": payload, "offset": offset} for offset, payload in page.events
            ],
            "epoch": page.epoch,
            "offset": page.offset,
        }
        return _prefixed(schema.Reply(id=command_id, history=result))

    def join(self, documents: Sequence[bytes]) -> bytes:
        return b"".join(documents)


PROTOBUF = ProtobufCodec()


def _split(message: bytes) -> Iterator[schema.Command]:
    stream = BytesIO(message)
    try:
        while (document := parse_length_prefixed(schema.Command, stream)) is not None:
            yield document
    except (DecodeError, ValueError, OverflowError):
        raise Disconnect(CloseCode.BAD_REQUEST) from None


def _parse_one(document: schema.Command) -> Call:
    if not document.ByteSize():  # what is not in the schema counts
        return PONG
    try:
        call = Command.model_validate(_content(document)).call()
    except ValidationError:
        raise Disconnect(CloseCode.BAD_REQUEST) from None
    if call is None:
        raise Disconnect(CloseCode.BAD_REQUEST)
    return call


def _content(message: Message) -> dict[str, Any]:
    """What is set, by name; an empty message is, and a zero is not."""
    return {field.name: _value(field, value) for field, value in message.ListFields()}


def _value(field: FieldDescriptor, value: Any) -> Any:
    if _is_map(field):
        some = islice(value, MAX_SUBS + 1)  # more than those are refused
        return {key: _content(value[key]) for key in some}
    if field.message_type is not None:
        return _content(value)
    return _json(value) if field.type == field.TYPE_BYTES else value


def _json(data: bytes) -> Any:
    """The value; or the bytes themselves, which no shape of data accepts."""
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError:
        return data


def _fill(message: Message, content: dict[str, Any]) -> None:
    """Set what the schema knows of it; the message is there even if that is nothing."""
    message.SetInParent()
    fields: Mapping[str, Any] = message.DESCRIPTOR.fields_by_name
    for name, value in content.items():
        if name in fields:
            _set(message, fields[name], value)


def _set(message: Message, field: FieldDescriptor, value: Any) -> None:
    if field.message_type is None:
        is_json = field.type == field.TYPE_BYTES
        setattr(message, field.name, to_json(value) if is_json else value)
        return
    part = getattr(message, field.name)
    if _is_map(field):
        for key, content in value.items():
            _fill(part[key], content)
    elif field.is_repeated:
        for content in value:
            _fill(part.add(), content)
    else:
        _fill(part, value)


@cache  # to ask for the options costs more than all the rest
def _is_map(field: FieldDescriptor) -> bool:
    message_type = field.message_type
    return message_type is not None and message_type.GetOptions().map_entry


def _prefixed(message: Message) -> bytes:
    stream = BytesIO()
    serialize_length_prefixed(message, stream)
    return stream.getvalue()
