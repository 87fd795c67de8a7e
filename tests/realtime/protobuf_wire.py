"""The Protobuf flavour as a client has it: by the schema that an official SDK brings along."""

import json
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from centrifuge.protocol import client_pb2 as public
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.proto import parse_length_prefixed

Document = dict[str, Any]

SEVEN_BITS = 0x7F


def command(**fields: Any) -> bytes:
    """One command as it is sent; bytes are given as they go into the message."""
    return prefixed(public.Command(**fields).SerializeToString())


def prefixed(document: bytes) -> bytes:
    """Behind its length, lowest seven bits first."""
    size, prefix = len(document), b""
    while size > SEVEN_BITS:
        prefix += bytes(((size & SEVEN_BITS) | (SEVEN_BITS + 1),))
        size >>= 7
    return prefix + bytes((size,)) + document


def replies(message: bytes) -> list[Any]:
    """The replies of a message from the server."""
    stream, found = BytesIO(message), []
    while (reply := parse_length_prefixed(public.Reply, stream)) is not None:
        found.append(reply)
    return found


def documents(messages: Sequence[bytes]) -> list[Document]:
    """What these messages say, in the shape that it has in JSON, zero values included."""
    return [plain(reply) for message in messages for reply in replies(message)]


def plain(message: Message) -> Document:
    fields: Sequence[Any] = message.DESCRIPTOR.fields
    return {
        field.name: _plain(field, getattr(message, field.name))
        for field in fields
        if not field.has_presence or message.HasField(field.name)
    }


def _plain(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {
            key: plain(value[key]) if isinstance(value[key], Message) else value[key]
            for key in value
        }
    if field.is_repeated:
        return [plain(each) for each in value]
    if field.message_type is not None:
        return plain(value)
    if field.type == field.TYPE_BYTES:
        return json.loads(value) if value else None
    return value
