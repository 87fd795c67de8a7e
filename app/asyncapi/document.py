"""The document itself: servers, channels, operations, messages and their schemas."""

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from app import __version__
from app.asyncapi import messages
from app.asyncapi.channels import KEY, Channel, read_channels
from app.asyncapi.codes import describe_codes
from app.asyncapi.examples import AN_ID, Examples
from app.asyncapi.messages import Message
from app.asyncapi.schemas import Json, Schemas
from app.realtime.channels import Feature
from app.realtime.wire.requests import METHODS

SOCKET = "ws"
ABOUT = (
    "The socket of Tandem speaks the Centrifuge client protocol, version 2. A WebSocket message "
    "holds one or more JSON documents, a line each; each of them is one message of the channel "
    "`/ws`. A client connects with an access token, subscribes to channels, and is told of every "
    "change as an event, in order and without a gap; the events of a channel are the messages of "
    "that channel, and stand in a `pub` push. Fields that a client does not know are to be ignored."
)


class Document:
    """Of these features; made when it is first asked for, and the same bytes every time."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = features

    @cached_property
    def encoded(self) -> bytes:
        described = describe(self._features)
        return json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()


def describe(features: Sequence[Feature]) -> Json:
    channels = read_channels(features)
    every = {message.key: message for message in [*_on_the_wire(), *_on(channels)]}
    schemas = Schemas(message.described for message in every.values())
    examples = Examples(schemas.by_name)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Tandem: the socket", "version": __version__, "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {SOCKET: _socket(), **{each.key: _channel(each) for each in channels}},
        "operations": {**_commands(), **_told(), **_operations(channels)},
        "components": {
            "messages": {key: _message(one, schemas, examples) for key, one in every.items()},
            "schemas": schemas.by_name,
        },
        **describe_codes(),
    }


def _on_the_wire() -> list[Message]:
    found = [*messages.commands().values(), *messages.replies().values()]
    return [*found, messages.ERROR, messages.PING, *messages.pushes()]


def _on(channels: Iterable[Channel]) -> list[Message]:
    return [message for channel in channels for message in channel.messages]


def _servers() -> Json:
    variables = {"host": {"default": "127.0.0.1:8000", "description": "Where Tandem is served."}}
    return {
        protocol: {"host": "{host}", "protocol": protocol, "variables": variables}
        for protocol in ("ws", "wss")
    }


def _message(message: Message, schemas: Schemas, examples: Examples) -> Json:
    payload = schemas.reference(message.described)
    return {
        "name": message.name,
        "title": message.name,
        "description": _about(message),
        "payload": payload,
        "examples": [{"payload": examples.of(payload)}],
        "x-stands-at": message.where,
    }


def _about(message: Message) -> str:
    return " ".join((message.about or message.model.__doc__ or "").split())


# ---------------------------------------------------------------------- channels


def _socket() -> Json:
    return {
        "address": "/ws",
        "title": "The socket",
        "description": "Also at /connection/websocket, where SDKs look.",
        "messages": _references(_on_the_wire()),
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
    }


def _channel(channel: Channel) -> Json:
    described: Json = {
        "address": channel.address,
        "title": channel.address,
        "summary": f"Who may subscribe: {channel.subscribers}",
        "messages": _references(channel.messages),
        "x-subscribers": channel.subscribers,
    }
    if f"{{{KEY}}}" in channel.address:
        described["parameters"] = {KEY: {"description": "Whose it is.", "examples": [AN_ID]}}
    return described


def _references(found: Iterable[Message]) -> Json:
    return {one.key: {"$ref": f"#/components/messages/{one.key}"} for one in found}


# -------------------------------------------------------------------- operations


def _commands() -> Json:
    """What clients ask for, and how it is answered."""
    asked, answered = messages.commands(), messages.replies()
    operations: Json = {}
    for method in METHODS:
        operations[method] = _operation("receive", SOCKET, [asked[method]])
        if method != "send":
            answers = [answered[method]] if method in answered else []
            operations[method]["reply"] = {
                "channel": {"$ref": f"#/channels/{SOCKET}"},
                "messages": _named(SOCKET, [*answers, messages.ERROR]),
            }
    return operations


def _told() -> Json:
    """What the server says unasked."""
    return {
        "server_ping": _operation("send", SOCKET, [messages.PING]),
        "pong": _operation("receive", SOCKET, [messages.PING]),
        "push": _operation("send", SOCKET, messages.pushes()),
    }


def _operations(channels: Iterable[Channel]) -> Json:
    operations = {}
    for channel in channels:
        told = [*channel.messages]
        operations[f"tell_{channel.key}"] = _operation("send", channel.key, told)
        if channel.signal is not None:
            heard = [channel.signal]
            operations[f"hear_{channel.key}"] = _operation("receive", channel.key, heard)
    return operations


def _operation(action: str, channel: str, found: Iterable[Message]) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": _named(channel, found),
    }


def _named(channel: str, found: Iterable[Message]) -> list[dict[str, Any]]:
    return [{"$ref": f"#/channels/{channel}/messages/{one.key}"} for one in found]
