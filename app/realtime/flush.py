"""The flush: gives every writable connection what lies after its cursors.

News of a channel mark it dirty and schedule one flush on the loop. A flush walks the audience of
each dirty channel; nearly all cursors are equal, so what they get is joined and framed once. It
works in slices, between which the loop serves everything else, and one that was expensive makes
the next one wait about as long: under load events gather into fewer, larger writes.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter, time

from app.core import metrics
from app.realtime.codec import Codec
from app.realtime.connection import Connection, count_delivery
from app.realtime.log import Batch, ChannelLog
from app.realtime.subscription import Subscription

SLICE_SECONDS = 0.005
CHEAP_SECONDS = 0.003
LONGEST_PAUSE_SECONDS = 0.1
CHECK_CLOCK_EVERY = 32


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
            self._walks.pop()
        while self._waiting and self._clock() < deadline:
            connection = next(iter(self._waiting))
            del self._waiting[connection]
            connection.pump()
        self._spent += self._clock() - began
        if self._walks or self._waiting:
            self._schedule()
        else:
            self._end()

    def _walk(self, log: ChannelLog) -> "Walk":
        return Walk(log, self._audience(log.name), self._clock)

    def _end(self) -> None:
        """Everything that was dirty at the start is done."""
        spent, self._spent = self._spent, 0.0
        metrics.FLUSH.observe(spent)
        if spent > CHEAP_SECONDS:
            self._not_before = self._clock() + min(spent, LONGEST_PAUSE_SECONDS)
        if self._dirty:
            self._schedule()


class Walk:
    """One round through the audience of a channel, in slices."""

    def __init__(
        self, log: ChannelLog, audience: Sequence[Subscription], clock: Callable[[], float]
    ) -> None:
        self._log = log
        self._audience = audience
        self._clock = clock
        self._at = 0
        self._head = log.head
        # What the subscriber before got, and how many have got it: nearly all cursors are equal.
        self._cursor = -1
        self._codec: Codec | None = None
        self._batch: Batch | None = None
        self._times = 0

    def go_on(self, deadline: float) -> bool:
        """Serve who is left until the deadline; whether it is finished."""
        audience = self._audience
        self._cursor, self._batch = -1, None  # since the last slice the log may have grown
        for at in range(self._at, len(audience)):
            self._serve(audience[at])
            if at % CHECK_CLOCK_EVERY == CHECK_CLOCK_EVERY - 1 and self._clock() > deadline:
                self._at = at + 1
                self._count()
                return False
        self._count()
        self._observe()
        return True

    def _serve(self, subscription: Subscription) -> None:
        connection = subscription.connection
        if subscription.log is not self._log or not connection.takes_batches:
            connection.pump()
            return
        if not subscription.is_behind or not subscription.is_live:  # it may end between slices
            return
        if subscription.cursor != self._cursor or connection.codec is not self._codec:
            self._take_batch(subscription, connection.codec)
        batch = self._batch
        if batch is None:  # its cursor fell off the ring
            connection.pump()
            return
        subscription.cursor = batch.upto
        connection.transport.send(batch.message)
        self._times += 1
        if batch.upto < self._log.head:
            connection.pump()

    def _take_batch(self, subscription: Subscription, codec: Codec) -> None:
        self._count()
        self._cursor, self._codec = subscription.cursor, codec
        self._batch = subscription.next_batch(codec)

    def _count(self) -> None:
        if self._batch is not None and self._times:
            count_delivery(self._batch, self._times)
        self._times = 0

    def _observe(self) -> None:
        """From commit to here: everyone who takes anything has it."""
        now = time()
        for entry in self._log.since(self._log.observed):
            if entry.offset > self._head:
                break
            metrics.COMMIT_TO_SOCKET.observe(max(0.0, now - entry.at))
        self._log.observed = max(self._log.observed, self._head)
