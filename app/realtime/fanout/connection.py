"""One client: who it is, where its cursors stand, and what it is told next.

A connection has no queue of events. It holds a cursor for each subscription and, whenever its
transport takes more, writes what lies after them; only answers to its own commands wait here,
and while they do nothing more is read from it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.auth.principals import Principal
from app.core import metrics
from app.core.ids import random_id
from app.realtime.fanout.budget import Budget
from app.realtime.fanout.subscription import Subscription, count_delivery
from app.realtime.fanout.timing import Pings, Timing
from app.realtime.fanout.transport import Writer
from app.realtime.wire.batches import BATCH_BYTES, fitting
from app.realtime.wire.codec import JSON, Codec
from app.realtime.wire.codes import CloseCode
from app.realtime.wire.frames import Message, Opcode
from app.realtime.wire.protocol import ClientInfo, Push, Reply

PING_FRAME = Message(b"", Opcode.PING)
PUMP_BYTES = 128 * 1024
"""Written for one connection in one go, however fast it reads: then others are served."""
REFILLS = 2
"""Of a connection at a time, until it was given what they brought. As many as clients' reads are
made at once: more would not be there sooner.
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection is after `connect`, and until when its token counts."""

    principal: Principal
    expires_at: datetime

    @property
    def user_id(self) -> UUID:
        return self.principal.user_id


class Keeper(Protocol):
    """Whoever looks after connections, and what one asks of them."""

    def refill(self, subscription: Subscription) -> None:
        """Its cursor has fallen off the ring: read on from Postgres."""
        ...

    def blocked(self, connection: "Connection") -> None:
        """Something waits to be written, and the transport takes no more."""
        ...

    def unblocked(self, connection: "Connection") -> None:
        """Something waits to be written, and the transport takes it."""
        ...


class Connection:
    """A client's connection, whatever carries it."""

    __slots__ = (
        "_due",
        "_going_on",
        "_holding",
        "_keeper",
        "_outgoing",
        "_refilled",
        "_turn",
        "budget",
        "closed",
        "codec",
        "connected",
        "id",
        "identity",
        "refused",
        "subscriptions",
        "timing",
        "transport",
        "user_id",
    )

    def __init__(
        self, transport: Writer, keeper: Keeper, budget: Budget, codec: Codec = JSON
    ) -> None:
        self.id = random_id()
        self.identity: Identity | None = None
        self.user_id: UUID | None = None
        self.connected = False
        self.refused = False
        self.closed = False
        self.budget = budget
        self.codec = codec
        self.subscriptions: dict[str, Subscription] = {}
        self.timing = Timing()
        self.transport = transport
        self._keeper = keeper
        self._outgoing: list[Message] = []
        self._holding = False
        self._due = False
        self._going_on: asyncio.Future[None] | None = None
        self._refilled: tuple[Subscription, ...] = ()
        self._turn = 0

    @property
    def info(self) -> ClientInfo:
        """Who this is, as others are told. Only after `connect`."""
        if self.identity is None:
            raise RuntimeError("nobody yet")
        principal = self.identity.principal
        name = {"name": principal.name}
        return ClientInfo(user=str(principal.user_id), client=self.id, conn_info=name)

    @property
    def takes_batches(self) -> bool:
        """Whether a flush may write to its transport directly: nothing else waits before."""
        return self.transport.writable and not self._outgoing and not self.closed

    # -------------------------------------------------------------- writing

    def tell(self, document: Reply | Push) -> None:
        """An answer or a push of its own; in order with everything else."""
        self.tell_bytes(self.codec.encode(document))

    def tell_bytes(self, document: bytes) -> None:
        """The same, encoded by this connection's codec already."""
        if self.closed:
            return
        self._outgoing.append(Message(document, self.codec.opcode))
        if not self._holding:
            self.pump()
        elif not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._write_held)

    def tell_soon_or_never(self, messages: Sequence[Message]) -> None:
        """What many are told at once has its place in the order now, and is written when others
        are served. What is not worth waiting for is dropped while the transport is paused.
        """
        if self.transport.writable and not self.closed:
            self._outgoing.extend(messages)
            self._keeper.unblocked(self)

    def hold(self) -> None:
        """Until `let_go`, what is told in one turn of the loop is written together at its end."""
        self._holding = True

    def let_go(self) -> None:
        self._holding = False
        self._write_held()

    def ping(self) -> None:
        if self.timing.pings is Pings.FRAMES:
            self.transport.send(PING_FRAME)
        else:
            self.tell_bytes(self.codec.ping)

    def pump(self) -> None:
        """Write while the transport takes it, PUMP_BYTES now and the rest in turn with others:
        answers first, then round-robin over the cursors.
        """
        written = 0
        while not self.closed:
            if not self.transport.writable:
                if self.is_behind:
                    self._note_blocked()
                return
            if written >= PUMP_BYTES:
                self._keeper.unblocked(self)
                return
            message = self._next_message()
            if message is None:
                return
            self.transport.send(message)
            written += len(message.data)

    def resume(self) -> None:
        """The transport takes more again. Answers leave at once; what lies after its cursors when
        others are served, so that cursors which were stopped at different places come together.
        """
        while self._outgoing and self.transport.writable:
            self._write_told()
        if self.is_behind:
            self._keeper.unblocked(self)
        if self.transport.writable:
            self._go_on()

    async def writable(self) -> None:
        """Until the transport takes more and no answer waits, or the connection is closed. For
        the one task that carries out its commands.
        """
        if not self.transport.writable and not self.closed:
            self._going_on = asyncio.get_running_loop().create_future()
            await self._going_on

    def close(self, close: CloseCode) -> None:
        """End the connection; what was already said is still sent."""
        if not self.closed:
            self.closed = True
            self.hang_up(close)

    def hang_up(self, close: CloseCode) -> None:
        """What a close does once `closed` is set: it may be later, where many are closed."""
        while self._outgoing:
            self._write_told()
        self._go_on()
        metrics.CLOSES.labels(str(close.code)).inc()
        self.transport.close(close.code, close.reason)

    def refill(self, subscription: Subscription) -> None:
        """Ask for what the ring does not hold any more, if that is what is missing, and if not too
        many others have theirs or wait for it. All come to ask in turn, as they are written for.
        """
        if subscription.needs_refill:
            others = [
                one for one in self._refilled if one.is_being_refilled and one is not subscription
            ]
            if len(others) < REFILLS:
                self._refilled = (*others, subscription)
                self._keeper.refill(subscription)

    @property
    def is_behind(self) -> bool:
        """Whether something is there to be written."""
        return bool(self._outgoing) or self._has_news

    @property
    def lag(self) -> int:
        """How many events its furthest cursor is behind."""
        cursors = self.subscriptions.values()
        return max((0, *(one.log.head - one.cursor for one in cursors)))

    @property
    def _has_news(self) -> bool:
        for one in self.subscriptions.values():  # no generator: this is asked all the time
            if one.cursor < one.log.head and not one.suspended:
                return True
        return False

    def _write_held(self) -> None:
        self._due = False
        if self._outgoing:
            self.pump()

    def _write_told(self) -> None:
        self.transport.send(self._join(self._take_told()))

    def _go_on(self) -> None:
        if self._going_on is not None and not self._going_on.done():
            self._going_on.set_result(None)

    def _note_blocked(self) -> None:
        if self.timing.stalled_by is None:
            self._keeper.blocked(self)

    def _next_message(self) -> Message | None:
        """Answers and publications together."""
        messages = self._take_told()
        if not self._outgoing and self._has_news:
            self._add_publications(messages)
        return self._join(messages) if messages else None

    def _take_told(self) -> list[Message]:
        """As much of it as one message holds."""
        told, count = self._outgoing, 1
        if len(told) > 1:
            count = fitting(len(message.data) for message in told)
        self._outgoing = told[count:]
        return told[:count]

    def _add_publications(self, messages: list[Message]) -> None:
        """What lies after each cursor, as long as it fits in."""
        size = sum(len(message.data) + 1 for message in messages)  # each with what separates it
        subscriptions = list(self.subscriptions.values())
        for step in range(len(subscriptions)):
            subscription = subscriptions[(self._turn + step) % len(subscriptions)]
            batch = subscription.next_batch(self.codec)
            if batch is None:
                self.refill(subscription)
                continue
            if messages and size + len(batch.message.data) > BATCH_BYTES:
                self._turn += step
                break
            messages.append(batch.message)
            size += len(batch.message.data) + 1
            subscription.advance(batch.upto)
            count_delivery(batch)

    def _join(self, messages: Sequence[Message]) -> Message:
        """One that is alone is everybody's own message."""
        if len(messages) == 1:
            return messages[0]
        return Message(self.codec.join([each.data for each in messages]), self.codec.opcode)
