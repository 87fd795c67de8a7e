"""Connections without a manager, and a keeper that notes what they ask for."""

from datetime import UTC, datetime
from uuid import uuid4

from app.auth.principals import Principal, Role
from app.realtime.fanout.budget import Budget, TokenBucket
from app.realtime.fanout.connection import Connection, Identity, Keeper
from app.realtime.fanout.subscription import Subscription
from app.realtime.log.channel_log import ChannelLog
from app.realtime.wire.batches import Entry
from app.realtime.wire.codec import JSON, Codec
from tests.realtime.recording import RecordingTransport


class Keeping:
    """Notes each refill and each connection that is blocked, and does no more about it."""

    def __init__(self) -> None:
        self.refills: list[Subscription] = []
        self.blocks: list[Connection] = []

    def refill(self, subscription: Subscription) -> None:
        subscription.refilling = True
        self.refills.append(subscription)

    def blocked(self, connection: Connection) -> None:
        self.blocks.append(connection)

    def unblocked(self, connection: Connection) -> None:
        connection.pump()


def no_limits() -> Budget:
    return Budget(TokenBucket(0, lambda: 0.0), TokenBucket(0, lambda: 0.0))


def a_connection(
    transport: RecordingTransport, keeper: Keeper | None = None, codec: Codec = JSON
) -> Connection:
    return Connection(transport, keeper or Keeping(), no_limits(), codec)


def somebody(name: str = "Cleo") -> Identity:
    return Identity(Principal(uuid4(), uuid4(), name, Role.CUSTOMER), datetime.now(UTC))


def a_subscription(
    connection: Connection, name: str, *, cursor: int = 0, events: int = 1_000
) -> Subscription:
    """To a log of its own, of which the ring holds so many events."""
    log = ChannelLog(name, 10_000_000, events)
    log.start(0)
    subscription = Subscription(connection, name, log, cursor)
    connection.subscriptions[name] = subscription
    return subscription


def write(subscription: Subscription, count: int, size: int = 0) -> None:
    """More events in its log."""
    log = subscription.log
    first = log.head + 1
    payload = b'{"fill":"%b"}' % (b"x" * size)
    log.append(Entry(offset, 0.0, payload) for offset in range(first, first + count))
