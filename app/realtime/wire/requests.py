"""What clients say in the Centrifuge protocol, as models: a command, and each method's request.

What it looks like on the wire is a codec's business. Unknown fields are ignored, zero values may
be left out; what is of another type is refused.
"""

from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Channel = Annotated[str, Field(min_length=1)]
Id = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]
Offset = Annotated[int, Field(ge=0)]

MAX_CHANNEL_LENGTH = 255
MAX_SUBS = 128
"""Positions of server-side subscriptions, of which there is one; it is anybody who sends them."""
REJECT_UNRECOVERED = 2
METHODS = (
    "connect",
    "ping",
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


class Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class ServerSubscription(Model):
    """The position from which a client wants a server-side subscription recovered."""

    recover: bool = False
    epoch: str = ""
    offset: Offset = 0


def _check_count(subs: Any) -> Any:
    """Before any of them is looked at."""
    if isinstance(subs, dict) and len(subs) > MAX_SUBS:
        raise ValueError(f"at most {MAX_SUBS}")
    return subs


class ConnectRequest(Model):
    token: str = ""
    data: Any = None
    name: str = ""
    version: str = ""
    subs: Annotated[dict[str, ServerSubscription], BeforeValidator(_check_count)] = Field(
        default_factory=dict
    )


class FilterNode(Model):
    """The tree of a tags filter; what stands in it is not read."""


class SubscribeRequest(ServerSubscription):
    """`type` other than 0 asks for a map or poll subscription, `tf` for only some of the events:
    neither is offered.
    """

    channel: Channel
    join_leave: bool = False
    tf: FilterNode | None = None
    flag: int = 0
    type: int = 0

    @property
    def is_offered(self) -> bool:
        return not self.type and self.tf is None


class ChannelRequest(Model):
    channel: Channel


class UnsubscribeRequest(ChannelRequest):
    """Always succeeds."""


class PresenceRequest(ChannelRequest):
    """Who is there."""


class PresenceStatsRequest(ChannelRequest):
    """How many are there."""


class SubRefreshRequest(ChannelRequest):
    """A new token of a subscription; subscriptions have none here."""


class PublishRequest(Model):
    """`type`, `key` and `removed` are for maps, which there are not."""

    channel: Channel
    data: Any = None
    type: int = 0
    key: str = ""
    removed: bool = False

    @property
    def is_offered(self) -> bool:
        return not (self.type or self.key or self.removed)


class StreamPosition(Model):
    offset: Offset = 0
    epoch: str = ""


class HistoryRequest(Model):
    """`limit` 0: only the position; -1: as many as there may be. `since` is exclusive."""

    channel: Channel
    limit: int = 0
    since: StreamPosition | None = None
    reverse: bool = False


class PingRequest(Model):
    """A client asks. The server's own pings are empty documents, and so are their answers."""


class RPCRequest(Model):
    """Not offered; what it holds is not read."""


class SendRequest(Model):
    """A message that wants no answer. As RPCRequest."""


class RefreshRequest(Model):
    token: Annotated[str, Field(min_length=1)]


Request = (
    ConnectRequest
    | PingRequest
    | SubscribeRequest
    | UnsubscribeRequest
    | PublishRequest
    | PresenceRequest
    | PresenceStatsRequest
    | HistoryRequest
    | RPCRequest
    | SendRequest
    | RefreshRequest
    | SubRefreshRequest
)


class Command(Model):
    """One document of a client: an id and exactly one method. Without either it is a pong."""

    id: Id = 0
    connect: ConnectRequest | None = None
    ping: PingRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: UnsubscribeRequest | None = None
    publish: PublishRequest | None = None
    presence: PresenceRequest | None = None
    presence_stats: PresenceStatsRequest | None = None
    history: HistoryRequest | None = None
    rpc: RPCRequest | None = None
    send: SendRequest | None = None
    refresh: RefreshRequest | None = None
    sub_refresh: SubRefreshRequest | None = None

    @property
    def is_pong(self) -> bool:
        return not self.model_fields_set

    def call(self) -> "Call | None":
        """None where it names no method, with its object, or no id where an answer is due."""
        method = self._method()
        if method is None or not (self.id or method == "send"):
            return None
        return Call(self.id, method, getattr(self, method))

    def _method(self) -> str | None:
        """The first that is set, in the order of the protocol."""
        given = self.model_fields_set
        return next(
            (name for name in METHODS if name in given and getattr(self, name) is not None), None
        )


class Call(NamedTuple):
    """What a command comes to: the method and what it is given. Without either it is a pong."""

    id: int
    method: str | None
    request: Request | None

    @property
    def is_pong(self) -> bool:
        return self.method is None


PONG = Call(0, None, None)
