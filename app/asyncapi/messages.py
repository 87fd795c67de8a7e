"""The messages of the document: on the wire, and on the channels that features describe."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, create_model

from app.asyncapi.schemas import Described, Mode
from app.asyncapi.wire import (
    PUSHES,
    ErrorReply,
    Ping,
    command_model,
    push_model,
    reply_model,
    title,
)
from app.realtime.channels import Carried, ChannelPolicy
from app.realtime.wire.protocol import Presence, Unsubscribe
from app.realtime.wire.requests import METHODS

PUBLISHED = "/push/pub/data"
ABOUT = {
    "connect": "The first command of a connection; `subs` resumes the own channel.",
    "subscribe": "Follow a channel: from now on, or with `recover` from a position.",
    "unsubscribe": "Follow it no more.",
    "publish": "Tell a signal to the other subscribers of a channel that has signals.",
    "presence": "Who is subscribed to a channel that shows it.",
    "presence_stats": "How many connections and people that are.",
    "history": "A part of a channel's log.",
    "ping": "Not available here: it is the server that pings. Answered with error 108.",
    "rpc": "Not available here: answered with error 108.",
    "send": "Not available here: closes the connection with 3508.",
    "refresh": "A new access token, before the old one ends.",
    "sub_refresh": "Not available here: subscriptions do not expire. Answered with error 108.",
    "pub": "An event of a channel with its offset, or a signal with who sent it.",
    "join": "Somebody has subscribed to a channel that shows who is there.",
    "leave": "Somebody is gone from it.",
    "unsubscribe push": "The server has ended a subscription.",
}


@dataclass(frozen=True)
class Message:
    """`where` a JSON pointer says it stands in a document on the wire: "" is all of it."""

    name: str
    model: type[BaseModel]
    mode: Mode
    where: str = ""
    about: str = ""
    alias: str = ""

    @property
    def described(self) -> Described:
        return self.model, self.mode

    @property
    def key(self) -> str:
        """Its name in the document."""
        return self.alias or title(self.name)


def commands() -> dict[str, Message]:
    """By method."""
    return {
        each: Message(f"{each} command", command_model(each), "validation", about=ABOUT[each])
        for each in METHODS
    }


def replies() -> dict[str, Message]:
    """By method; those commands that are only ever answered with an error have none."""
    found = {each: reply_model(each) for each in METHODS}
    return {
        method: Message(f"{method} reply", model, "serialization")
        for method, model in found.items()
        if model is not None
    }


def pushes() -> list[Message]:
    names = {each: f"{each} push" for each in PUSHES}
    return [
        Message(name, push_model(each), "serialization", about=ABOUT.get(name, ABOUT.get(each, "")))
        for each, name in names.items()
    ]


ERROR = Message("error reply", ErrorReply, "serialization")
PING = Message("ping", Ping, "serialization")
JOIN = Message("join", Presence, "serialization", "/push/join", ABOUT["join"])
LEAVE = Message("leave", Presence, "serialization", "/push/leave", ABOUT["leave"])
UNSUBSCRIBE = Message(
    "unsubscribe", Unsubscribe, "serialization", "/push/unsubscribe", ABOUT["unsubscribe push"]
)


def events(carried: Sequence[Carried]) -> Iterator[Message]:
    """One for each type that an event's model knows."""
    for model in dict.fromkeys(model for each in carried for model in each.models):
        types = _types(model)
        if len(types) == 1:
            yield _published(types[0], model, model)
            continue
        for name in types:
            only: Any = Literal[name]
            one = create_model(title(name), __base__=model, type=(only, ...))
            yield _published(name, one, model)


def _types(model: type[BaseModel]) -> tuple[str, ...]:
    """The words that `type` can hold; what has no such field goes by the name of its model."""
    field = model.model_fields.get("type")
    fixed = field is not None and get_origin(field.annotation) is Literal
    return get_args(field.annotation) if field is not None and fixed else (model.__name__,)


def _published(name: str, model: type[BaseModel], base: type[BaseModel]) -> Message:
    about = vars(base)["__doc__"] or ""
    return Message(name, model, "serialization", PUBLISHED, about, alias=model.__name__)


def signal(policy: ChannelPolicy) -> Message | None:
    if policy.signals is None:
        return None
    name = policy.signals.__name__
    return Message(name.lower(), policy.signals, "validation", PUBLISHED)
