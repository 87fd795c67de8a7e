"""The flush: gives every writable connection what lies after its cursors.

News of a channel mark it dirty and schedule one flush on the loop. A flush walks the audience of
each dirty channel; nearly all cursors are equal, so what they get is joined and framed once. It
works in slices, between which the loop serves everything else. After one that was not cheap the
next waits half as long, so that events gather into fewer, larger writes; one that takes long
anyhow gathers enough by itself, since everybody is given all that is there at their turn.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter, time

from app.core import metrics
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.subscription import Subscription, count_delivery
from app.realtime.log.channel_log import ChannelLog
from app.realtime.wire.batches import Batch
from app.realtime.wire.codec import Codec
from app.realtime.wire.frames import Message

SLICE_SECONDS = 0.005
CHEAP_SECONDS = 0.001

PAUSE_SHARE = 0.5

GATHER_SECONDS = 0.03
"""Events need not gather for longer than this, from the beginning of a flush on."""

CHECK_CLOCK_EVERY = 32
LEAST_SERVED = 8
NOTHING = Batch(Message(b""), -1, 0)


class Flush:
    """`audience(channel)`: a snapshot of who follows the channel now. `clock` gives seconds."""

    def __init__(
        self,
        audience: Callable[[str], Sequence[Subscription]],
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._audience = audience
        self._clock = clock
        self._dirty: dict[ChannelLog, None] = {}
        self._waiting: dict[Connection, None] = {}
        self._walks: list[Walk] = []
        self._handle: asyncio.Handle | None = None
        self._spent = 0.0
        self._not_before = 0.0

    def mark(self, log: ChannelLog) -> None:
        """The log has news."""
        self._dirty[log] = None
        self._schedule()

    def pump_later(self, connection: Connection) -> None:
        """It has something to write, as many others may have at this moment."""
        self._waiting[connection] = None
        self._schedule()

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _schedule(self) -> None:
        if self._handle is None:
            loop = asyncio.get_running_loop()
            pause = self._not_before - self._clock()
            self._handle = (
                loop.call_later(pause, self._run) if pause > 0 else loop.call_soon(self._run)
            )

    def _run(self) -> None:
        """One slice."""
        self._handle = None
        began = self._clock()
        deadline = began + SLICE_SECONDS
        if not self._walks:
            dirty, self._dirty = self._dirty, {}
            self._walks = [self._walk(log) for log in reversed(dirty)]
        while self._walks and self._walks[-1].go_on(deadline):
            walk = self._walks.pop()
            if walk.has_more:
                self._dirty[walk.log] = None
        self._serve_waiting(deadline)
        self._spent += self._clock() - began
        if self._walks or self._waiting:
            self._schedule()
        else:
            self._end()

    def _serve_waiting(self, deadline: float) -> None:
        """Until the deadline; LEAST_SERVED in any case, whatever the walks have taken."""
        served = 0
        while self._waiting and (served < LEAST_SERVED or self._clock() < deadline):
            connection = next(iter(self._waiting))
            del self._waiting[connection]
            connection.pump()
            served += 1

    def _walk(self, log: ChannelLog) -> "Walk":
        return Walk(log, self._audience(log.name), self._clock)

    def _end(self) -> None:
        """Everything that was dirty at the start is done."""
        spent, self._spent = self._spent, 0.0
        metrics.FLUSH.observe(spent)
        if spent > CHEAP_SECONDS:
            pause = min(spent * PAUSE_SHARE, max(0.0, GATHER_SECONDS - spent))
            self._not_before = self._clock() + pause
        if self._dirty:
            self._schedule()


class Walk:
    """One round through the audience of a channel, in slices.

    Everybody is given one message; a second one where the first ended with a block (see
    `batches`), so that few wait for another round. `has_more`: there is more still for somebody.
    """

    def __init__(
        self, log: ChannelLog, audience: Sequence[Subscription], clock: Callable[[], float]
    ) -> None:
        self.log = log
        self._audience = audience
        self._clock = clock
        self._at = 0
        self._head = log.head
        self.has_more = False

    def go_on(self, deadline: float) -> bool:
        """Serve who is left until the deadline; whether it is finished."""
        end, shared = len(self._audience), Shared()
        while self._at < end:
            first, self._at = self._at, min(self._at + CHECK_CLOCK_EVERY, end)
            self._serve(self._audience[first : self._at], shared)
            if self._clock() > deadline:
                break
        shared.count()
        if self._at < end:
            return False
        if not self.has_more:
            self._observe()
        return True

    def _serve(self, audience: Sequence[Subscription], shared: "Shared") -> None:
        """The hot loop: what is done here for each subscriber is what a delivery costs."""
        log, head = self.log, self.log.head
        for subscription in audience:
            connection = subscription.connection
            if subscription.log is not log or not connection.takes_batches:
                connection.pump()
            # As `is_behind`, without a call; and it may have ended between slices.
            elif subscription.cursor < head and not (subscription.suspended or subscription.ended):
                gave = shared.give(subscription, connection)
                if gave and subscription.cursor < head:
                    self._go_on_with(subscription, shared)

    def _go_on_with(self, subscription: Subscription, shared: "Shared") -> None:
        """It has one message and needs more."""
        connection, head = subscription.connection, self.log.head
        if connection.takes_batches:
            shared.give(subscription, connection)
        if subscription.cursor >= head:
            return
        if connection.takes_batches:
            self.has_more = True
        else:  # it is served when that has changed; since when it was not is noted now
            connection.pump()

    def _observe(self) -> None:
        """From commit to here: everyone who takes anything has it."""
        now = time()
        for entry in self.log.since(self.log.observed):
            if entry.offset > self._head:
                break
            metrics.COMMIT_TO_SOCKET.observe(max(0.0, now - entry.at))
        self.log.observed = max(self.log.observed, self._head)


class Shared:
    """What each cursor is given of the ring during one slice, in which the log does not grow:
    looked up once for all that are equal, as nearly all are, and counted once.
    """

    __slots__ = ("_batch", "_batches", "_codec", "_cursor", "_times")

    def __init__(self) -> None:
        self._batches: dict[tuple[int, Codec], Batch] = {}
        self._batch = NOTHING
        self._codec: Codec | None = None
        self._cursor = -1
        self._times = 0

    def give(self, subscription: Subscription, connection: Connection) -> bool:
        """One message, if what follows the cursor is at hand; else have it read."""
        if subscription.cursor != self._cursor or connection.codec is not self._codec:
            self._look_up(subscription, connection.codec)
        batch = self._batch
        if batch is NOTHING:  # its cursor fell off the ring: what was read for it is its own
            connection.pump()
            return False
        subscription.cursor = batch.upto
        connection.transport.send(batch.message)
        self._times += 1
        return True

    def count(self) -> None:
        count_delivery(self._batch, self._times)
        self._times = 0

    def _look_up(self, subscription: Subscription, codec: Codec) -> None:
        self.count()
        self._cursor, self._codec = subscription.cursor, codec
        batch = self._batches.get((self._cursor, codec))
        if batch is None:
            log, cursor = subscription.log, self._cursor
            batch = log.after(cursor, codec) if log.holds(cursor) else NOTHING
            self._batches[cursor, codec] = batch
        self._batch = batch
