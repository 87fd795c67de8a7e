"""What the server says in the Centrifuge protocol, as models: replies and pushes.

What they look like on the wire is a codec's business; what clients say stands in `requests`.
"""

from functools import lru_cache
from typing import Any, Literal

from pydantic import Field

from app.realtime.wire.codes import ErrorCode, UnsubscribeCode
from app.realtime.wire.requests import Model

KNOWN_CLIENTS = 4096

# --------------------------------------------------------------------- replies


class SubscribeResult(Model):
    recoverable: bool = True
    positioned: bool = True
    epoch: str
    offset: int
    was_recovering: bool = False
    recovered: bool = False


class ConnectResult(Model):
    client: str
    version: str
    expires: bool
    ttl: int
    ping: int
    pong: bool
    subs: dict[str, SubscribeResult] = Field(default_factory=dict)


class RefreshResult(Model):
    client: str
    version: str
    expires: bool
    ttl: int


class EmptyResult(Model):
    """The result of a command that has nothing to tell; the object is there all the same. Of a
    `subscribe`: the channel has no log, so that there is no position to keep.
    """


class ClientInfo(Model):
    """Who a client is, as other clients are told: a person on one connection."""

    user: str
    client: str
    conn_info: Any = None


@lru_cache(maxsize=KNOWN_CLIENTS)
def client_info(info: bytes) -> ClientInfo:
    """From its JSON. Kept, as a channel may have a thousand and be asked for again and again."""
    return ClientInfo.model_validate_json(info)


class PresenceResult(Model):
    """Who is there, by connection id."""

    presence: dict[str, ClientInfo]


class PresenceStatsResult(Model):
    num_clients: int
    num_users: int


class Publication(Model):
    """`info` says who published it; events have none, and signals no offset."""

    data: Any
    offset: int | None = None
    info: ClientInfo | None = None


class HistoryResult(Model):
    publications: list[Publication]
    epoch: str
    offset: int


class ErrorResult(Model):
    code: int
    message: str
    temporary: bool


class Reply(Model):
    """The answer to the command with this id: a result under the method's name, or an error."""

    id: int
    error: ErrorResult | None = None
    connect: ConnectResult | None = None
    subscribe: SubscribeResult | EmptyResult | None = None
    unsubscribe: EmptyResult | None = None
    publish: EmptyResult | None = None
    presence: PresenceResult | None = None
    presence_stats: PresenceStatsResult | None = None
    history: HistoryResult | None = None
    refresh: RefreshResult | None = None


def error_reply(command_id: int, error: ErrorCode) -> Reply:
    code, message, temporary = error.value
    result = ErrorResult(code=code, message=message, temporary=temporary)
    return Reply(id=command_id, error=result)


# ---------------------------------------------------------------------- pushes


class Presence(Model):
    """Somebody came or went."""

    info: ClientInfo


class Unsubscribe(Model):
    code: int
    reason: str


class ChannelPush(Model):
    channel: str
    pub: Publication | None = None
    join: Presence | None = None
    leave: Presence | None = None
    unsubscribe: Unsubscribe | None = None
    subscribe: SubscribeResult | None = None


class Push(Model):
    """What the server says unasked. Publications of the log are joined from bytes instead."""

    push: ChannelPush


PresenceChange = Literal["join", "leave"]


def presence_push(channel: str, change: PresenceChange, info: ClientInfo) -> Push:
    return Push(push=ChannelPush.model_validate({"channel": channel, change: {"info": info}}))


def signal_push(channel: str, data: Any, info: ClientInfo | None) -> Push:
    return Push(push=ChannelPush(channel=channel, pub=Publication(data=data, info=info)))


def unsubscribe_push(channel: str, unsubscribe: UnsubscribeCode) -> Push:
    code, reason = unsubscribe.value
    push = ChannelPush(channel=channel, unsubscribe=Unsubscribe(code=code, reason=reason))
    return Push(push=push)
