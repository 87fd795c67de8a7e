"""A cursor on a channel's log: what one client follows, and how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core import metrics
from app.realtime.log.channel_log import ChannelLog, Segment
from app.realtime.wire.batches import Batch
from app.realtime.wire.codec import Codec
from app.realtime.wire.frames import Message

if TYPE_CHECKING:
    from app.realtime.fanout.connection import Connection

WITHHELD_MESSAGES = 256


@dataclass(slots=True, eq=False, weakref_slot=True)
class Subscription:
    """Everything up to and including `cursor` was handed to the connection's transport.

    While `suspended` nothing is: its rights are being looked at; once `ended` nothing will be.
    `segment` holds what was read for it from Postgres until it has that, `refilling` while the
    read is under way; `recovering` until it has caught up with the ring for the first time.
    `present`: the others see it there; `join_leave`: it asked to be told who comes and goes.
    `withheld` is what it was to be told of that while suspended; None: more than is kept.
    """

    connection: "Connection"
    channel: str
    log: ChannelLog
    cursor: int
    server_side: bool = False
    present: bool = False
    join_leave: bool = False
    suspended: bool = False
    ended: bool = False
    refilling: bool = False
    recovering: bool = False
    segment: Segment | None = None
    withheld: tuple[Message, ...] | None = ()

    def __post_init__(self) -> None:
        self.recovering = self.recovering and not self.log.holds(self.cursor)

    @property
    def is_live(self) -> bool:
        """Whether its connection still has it."""
        return not self.ended and not self.connection.closed

    @property
    def is_behind(self) -> bool:
        return not self.suspended and self.cursor < self.log.head

    @property
    def needs_refill(self) -> bool:
        """Whether its cursor has fallen off the ring and nothing was read for it yet."""
        return (
            self.is_behind
            and not self.refilling
            and not self.log.holds(self.cursor)
            and not (self.segment is not None and self.segment.holds(self.cursor))
        )

    @property
    def is_being_refilled(self) -> bool:
        """Whether something is read for it from Postgres, or was and is not all handed over."""
        return not self.ended and (self.refilling or self.segment is not None)

    def withhold(self, messages: Sequence[Message]) -> None:
        """To be told once it is not suspended any more: WITHHELD_MESSAGES at most."""
        if self.withheld is not None:
            withheld = (*self.withheld, *messages)
            self.withheld = withheld if len(withheld) <= WITHHELD_MESSAGES else None

    def next_batch(self, codec: Codec) -> Batch | None:
        """What follows the cursor, if it is at hand."""
        if not self.is_behind:
            return None
        if self.log.holds(self.cursor):
            return self.log.after(self.cursor, codec)
        if self.segment is not None and self.segment.holds(self.cursor):
            return self.segment.after(self.cursor, codec)
        return None

    def advance(self, upto: int) -> None:
        """What follows the cursor, up to this offset, was handed over: what was read for that is
        let go, and all of it once the ring has what comes next.
        """
        self.cursor = upto
        if self.log.holds(upto):
            self.segment, self.recovering = None, False
        elif self.segment is not None and not self.segment.holds(upto):
            self.segment = None


def count_delivery(batch: Batch, times: int = 1) -> None:
    metrics.DELIVERIES.inc(batch.count * times)
    metrics.DELIVERED_BYTES.inc(len(batch.message.data) * times)
