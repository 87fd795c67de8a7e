"""The Centrifuge client protocol, JSON flavour: commands, replies, pushes, codes. No I/O.

A WebSocket message holds one or more JSON documents, separated by newlines. Unknown fields are
ignored, zero values may be left out.
"""

import json
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Channel = Annotated[str, Field(min_length=1)]
Id = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]

MAX_CHANNEL_LENGTH = 255
REJECT_UNRECOVERED = 2
METHODS = (
    "connect",
    "subscribe",
    "unsubscribe",
    "publish",
    "presence",
    "presence_stats",
    "history",
    "rpc",
    "send",
    "refresh",
    "sub_refresh",
)
PING = b"{}"


class ErrorCode(Enum):
    """Errors of a command: code, message, and whether trying again later may help."""

    INTERNAL = (100, "internal server error", True)
    UNKNOWN_CHANNEL = (102, "unknown channel", False)
    PERMISSION_DENIED = (103, "permission denied", False)
    ALREADY_SUBSCRIBED = (105, "already subscribed", False)
    LIMIT_EXCEEDED = (106, "limit exceeded", False)
    BAD_REQUEST = (107, "bad request", False)
    NOT_AVAILABLE = (108, "not available", False)
    TOKEN_EXPIRED = (109, "token expired", False)
    TOO_MANY_REQUESTS = (111, "too many requests", True)
    UNRECOVERABLE = (112, "unrecoverable position", False)


class CloseCode(Enum):
    """Close codes and reasons. 3500 to 3999: the client does not come back by itself."""

    MESSAGE_TOO_BIG = (1009, "message too big")
    SHUTDOWN = (3001, "shutdown")
    INTERNAL = (3004, "internal server error")
    EXPIRED = (3005, "connection expired")
    STALLED = (3008, "slow")
    INSUFFICIENT_STATE = (3010, "insufficient state")
    NO_PONG = (3012, "no pong")
    TOO_MANY_REQUESTS = (3013, "too many requests")
    INVALID_TOKEN = (3500, "invalid token")
    BAD_REQUEST = (3501, "bad request")
    STALE = (3502, "stale")
    FORCED = (3503, "force disconnect")
    CONNECTION_LIMIT = (3504, "connection limit")
    NOT_AVAILABLE = (3508, "not available")

    @property
    def code(self) -> int:
        return self.value[0]

    @property
    def reason(self) -> str:
        return self.value[1]


class UnsubscribeCode(Enum):
    """Reasons of an unsubscribe push. From 2500 on the client subscribes again, with recovery."""

    SERVER = (2000, "server unsubscribe")
    INSUFFICIENT_STATE = (2500, "insufficient state")


class CommandError(Exception):
    """A command that cannot be carried out; answered with an error reply."""

    def __init__(self, error: ErrorCode) -> None:
        super().__init__(error.value[1])
        self.error = error


class Disconnect(Exception):
    """Ends the connection with this code."""

    def __init__(self, close: CloseCode) -> None:
        super().__init__(close.reason)
        self.close = close


class Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


# -------------------------------------------------------------------- commands


class ServerSubscription(Model):
    """The position from which a client wants a server-side subscription recovered."""

    recover: bool = False
    epoch: str = ""
    offset: Annotated[int, Field(ge=0)] = 0


class ConnectRequest(Model):
    token: str = ""
    data: Any = None
    name: str = ""
    version: str = ""
    subs: dict[str, ServerSubscription] = Field(default_factory=dict)


class SubscribeRequest(Model):
    channel: Channel
    recover: bool = False
    epoch: str = ""
    offset: Annotated[int, Field(ge=0)] = 0
    flag: int = 0
    type: int = 0


class ChannelRequest(Model):
    """unsubscribe, presence, presence_stats, history, publish, sub_refresh: what matters now."""

    channel: Channel


class RefreshRequest(Model):
    token: Annotated[str, Field(min_length=1)]


class Command(Model):
    """One document of a client: an id and exactly one method. `{}` is a pong."""

    id: Id = 0
    connect: ConnectRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: ChannelRequest | None = None
    publish: ChannelRequest | None = None
    presence: ChannelRequest | None = None
    presence_stats: ChannelRequest | None = None
    history: ChannelRequest | None = None
    rpc: Any = None
    send: Any = None
    refresh: RefreshRequest | None = None
    sub_refresh: ChannelRequest | None = None

    @property
    def method(self) -> str | None:
        """The first method that is set, in the order of the protocol."""
        return next((name for name in METHODS if name in self.model_fields_set), None)

    @property
    def is_pong(self) -> bool:
        return not self.model_fields_set


def parse(message: str) -> list[Command]:
    """The commands of one WebSocket message; raises Disconnect(BAD_REQUEST) for anything else."""
    documents = [line for line in message.split("\n") if line and not line.isspace()]
    if not documents:
        raise Disconnect(CloseCode.BAD_REQUEST)
    return [_parse_one(document) for document in documents]


def _parse_one(document: str) -> Command:
    try:
        command = Command.model_validate_json(document)
    except ValidationError:
        raise Disconnect(CloseCode.BAD_REQUEST) from None
    if command.is_pong:
        if document.strip() != "{}":  # unknown methods only
            raise Disconnect(CloseCode.BAD_REQUEST)
        return command
    if command.method is None or (command.id == 0 and command.method != "send"):
        raise Disconnect(CloseCode.BAD_REQUEST)
    if command.method not in ("rpc", "send") and getattr(command, command.method) is None:
        raise Disconnect(CloseCode.BAD_REQUEST)
    return command


# --------------------------------------------------------------------- replies


class SubscribeResult(Model):
    recoverable: Literal[True] = True
    positioned: Literal[True] = True
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
    """The result of a command that has nothing to tell; the object is there all the same."""


class ErrorResult(Model):
    code: int
    message: str
    temporary: bool


class Reply(Model):
    """The answer to the command with this id: a result under the method's name, or an error."""

    id: int
    error: ErrorResult | None = None
    connect: ConnectResult | None = None
    subscribe: SubscribeResult | None = None
    unsubscribe: EmptyResult | None = None
    refresh: RefreshResult | None = None

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


Result = ConnectResult | SubscribeResult | RefreshResult | EmptyResult


def reply(command_id: int, method: str, result: Result) -> bytes:
    return Reply.model_validate({"id": command_id, method: result}).encode()


def error_reply(command_id: int, error: ErrorCode) -> bytes:
    code, message, temporary = error.value
    result = ErrorResult(code=code, message=message, temporary=temporary)
    return Reply(id=command_id, error=result).encode()


# ---------------------------------------------------------------------- pushes


class Publication(Model):
    data: Any
    offset: int


class Unsubscribe(Model):
    code: int
    reason: str


class ChannelPush(Model):
    channel: str
    pub: Publication | None = None
    unsubscribe: Unsubscribe | None = None


class Push(Model):
    """What the server says unasked. Hot publications are joined from bytes: `log.frame`."""

    push: ChannelPush

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


def unsubscribe_push(channel: str, unsubscribe: UnsubscribeCode) -> bytes:
    code, reason = unsubscribe.value
    push = ChannelPush(channel=channel, unsubscribe=Unsubscribe(code=code, reason=reason))
    return Push(push=push).encode()


def publication_push(channel: str, offset: int, payload: bytes) -> bytes:
    """The model's own encoding of a publication; what `log.frame` must equal."""
    publication = Publication(data=json.loads(payload), offset=offset)
    return Push(push=ChannelPush(channel=channel, pub=publication)).encode()
