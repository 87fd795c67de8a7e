"""What stands in one document on the wire, a model for each kind: of the protocol's own fields."""

import re
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model

from app.realtime.wire.protocol import ChannelPush, ErrorResult, Reply
from app.realtime.wire.requests import Command, Id, Model

MAX_ID = 0xFFFF_FFFF
PUSHES = ("pub", "join", "leave", "unsubscribe")


class Ping(Model):
    """The empty document: the server asks whether the client is there, which answers the same."""

    model_config = ConfigDict(extra="forbid")


class ErrorReply(Model):
    """The command with this id could not be carried out."""

    id: Id
    error: ErrorResult


def title(word: str) -> str:
    """From `order.created`, `order_created`, `order created`: OrderCreated."""
    return "".join(part.capitalize() for part in re.split(r"[ ._]", word))


@cache
def command_model(method: str) -> type[BaseModel]:
    """An id and the method's object: {"id": 1, "subscribe": {…}}."""
    return _pair(f"{title(method)}Command", Command, method)


@cache
def reply_model(method: str) -> type[BaseModel] | None:
    """The good answer to a command, if there is one."""
    return _pair(f"{title(method)}Reply", Reply, method) if method in Reply.model_fields else None


@cache
def push_model(kind: str) -> type[BaseModel]:
    """A channel and what happened there: {"push": {"channel": "…", "join": {…}}}."""
    name = title(kind)
    inner = create_model(
        f"{name}Content", __base__=Model, channel=(str, ...), **_required(ChannelPush, kind)
    )
    return create_model(f"{name}Push", __base__=Model, push=(inner, ...))


def _pair(name: str, envelope: type[BaseModel], method: str) -> type[BaseModel]:
    answered: Any = (Annotated[int, Field(ge=1, le=MAX_ID)], ...)
    identity = answered if method != "send" else (Id, 0)
    return create_model(name, __base__=Model, id=identity, **_required(envelope, method))


def _required(envelope: type[BaseModel], field: str) -> dict[str, Any]:
    """A field of an envelope in which it may be missing, as one that is there."""
    annotation = envelope.model_fields[field].annotation
    given = tuple(each for each in get_args(annotation) if each is not type(None))
    return {field: (reduce(or_, given) if given else annotation, ...)}
