"""One client: who it is, where its cursors stand, and what it is told next.

A connection has no queue of events. It holds a cursor for each subscription and, whenever its
transport takes more, writes what lies after them; only answers to its own commands wait here,
and while they do nothing more is read from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

from app.auth.principals import Principal
from app.core import metrics
from app.realtime.limits import TokenBucket
from app.realtime.log import BATCH_BYTES, Batch, ChannelLog, Segment
from app.realtime.protocol import PING, CloseCode


class Transport(Protocol):
    """Where a connection writes to. Never blocks: a write is allowed while it is writable."""

    @property
    def writable(self) -> bool: ...

    def send(self, message: bytes) -> None:
        """Send one WebSocket text message. One more may be given just before `close`."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Send what was taken, then close. Later calls have no effect."""
        ...


@dataclass(slots=True, eq=False)
class Subscription:
    """A cursor on a channel's log: everything up to and including `cursor` was handed over."""

    channel: str
    log: ChannelLog
    cursor: int
    server_side: bool = False
    suspended: bool = False
    segment: Segment | None = None
    refilling: bool = False

    def next_batch(self) -> Batch | None:
        """What follows the cursor, if it is at hand."""
        if self.suspended or self.cursor >= self.log.head:
            return None
        if self.log.holds(self.cursor):
            self.segment = None
            return self.log.after(self.cursor)
        if self.segment is not None and self.segment.holds(self.cursor):
            return self.segment.after(self.cursor)
        return None

    @property
    def needs_refill(self) -> bool:
        """Whether its cursor has fallen off the ring and nothing was read for it yet."""
        return (
            not self.suspended
            and not self.refilling
            and self.cursor < self.log.head
            and not self.log.holds(self.cursor)
            and not (self.segment is not None and self.segment.holds(self.cursor))
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection is after `connect`, and until when its token counts."""

    principal: Principal
    expires_at: datetime

    @property
    def user_id(self) -> UUID:
        return self.principal.user_id


@dataclass(slots=True)
class Timing:
    """What a connection waits for, on the loop's clock; None: nothing of the kind."""

    connect_by: float | None = None
    next_ping: float | None = None
    pong_by: float | None = None
    refresh_by: float | None = None

    @property
    def next(self) -> float | None:
        times = (self.connect_by, self.next_ping, self.pong_by, self.refresh_by)
        return min((time for time in times if time is not None), default=None)


class Connection:
    """A client's connection, whatever carries it.

    `on_refill` is asked to read from Postgres for a subscription whose cursor fell off the ring.
    """

    def __init__(
        self,
        transport: Transport,
        commands: TokenBucket,
        on_refill: Callable[["Connection", Subscription], None],
    ) -> None:
        self.id = str(uuid4())
        self.identity: Identity | None = None
        self.user_id: UUID | None = None
        self.connected = False
        self.refused = False
        self.closed = False
        self.commands = commands
        self.subscriptions: dict[str, Subscription] = {}
        self.timing = Timing()
        self._transport = transport
        self._on_refill = on_refill
        self._outgoing: list[bytes] = []
        self._turn = 0

    # -------------------------------------------------------------- writing

    def tell(self, document: bytes) -> None:
        """An answer or a push of its own; in order with everything else."""
        if not self.closed:
            self._outgoing.append(document)
            self.pump()

    def ping(self) -> None:
        self.tell(PING)

    def pump(self) -> None:
        """Write while the transport takes it: answers first, then round-robin over the cursors."""
        while self._transport.writable and not self.closed:
            message = self._next_message()
            if not message:
                return
            self._transport.send(message)

    def pump_one(self, subscription: Subscription) -> None:
        """The hot path of a flush: one channel has news and nothing else waits."""
        if self._outgoing or not self._transport.writable or self.closed:
            self.pump()
            return
        batch = subscription.next_batch()
        if batch is None:
            self._refill(subscription)
            return
        subscription.cursor = batch.upto
        self._transport.send(batch.data)
        metrics.DELIVERIES.inc(batch.count)
        metrics.DELIVERED_BYTES.inc(len(batch.data))
        if subscription.cursor < subscription.log.head:
            self.pump()

    def close(self, close: CloseCode) -> None:
        """End the connection; what was already said is still sent."""
        if self.closed:
            return
        if self._outgoing:
            self._transport.send(b"\n".join(self._outgoing))
        self.closed = True
        self._outgoing.clear()
        metrics.CLOSES.labels(str(close.code)).inc()
        self._transport.close(close.code, close.reason)

    def _next_message(self) -> bytes:
        """Answers and publications as one newline-delimited message; empty if there is nothing."""
        documents, self._outgoing = self._outgoing, []
        size = sum(map(len, documents)) + len(documents)
        subscriptions = list(self.subscriptions.values())
        for step in range(len(subscriptions)):
            subscription = subscriptions[(self._turn + step) % len(subscriptions)]
            batch = subscription.next_batch()
            if batch is None:
                self._refill(subscription)
                continue
            if documents and size + len(batch.data) > BATCH_BYTES:
                self._turn += step
                break
            documents.append(batch.data)
            size += len(batch.data) + 1
            subscription.cursor = batch.upto
            metrics.DELIVERIES.inc(batch.count)
            metrics.DELIVERED_BYTES.inc(len(batch.data))
        return b"\n".join(documents)

    def _refill(self, subscription: Subscription) -> None:
        if subscription.needs_refill:
            self._on_refill(self, subscription)
