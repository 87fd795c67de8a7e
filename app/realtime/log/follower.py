"""Keeps the log of each channel that this worker serves whole and up to date.

Three sources, each checked against the offsets: messages (fast, may be lost), looks (every
LOOK_SECONDS a worker asks what it missed) and repair (reads what lies between head and target).
A channel is registered before its head is read, so nothing falls between.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import get_args

from app.core import metrics
from app.core.config import Settings
from app.core.outages import Outage
from app.core.single_flight import SingleFlight
from app.core.unavailable import POSTGRES_FAILURES
from app.realtime.log.broker import Broker
from app.realtime.log.channel_log import ChannelLog, contiguous
from app.realtime.log.lingering import Lingering
from app.realtime.log.message import Message
from app.realtime.log.reader import PIECE_EVENTS, LogReader, Look, Reason, within_a_read
from app.realtime.log.rings import Rings
from app.realtime.outbox import CONTROL_CHANNEL
from app.realtime.wire.batches import Entry

logger = logging.getLogger(__name__)


class LogFollower:
    """The active channels of a worker.

    `on_news(log)`: the log grew. `on_lost(log)`: the log lost what it still needed, its ring
    starts anew. `on_renewed()`: this is another log than before, no position counts any more.
    `on_away()`: a look failed, so Postgres is away, silent, or refuses it; told again at each.
    """

    linger_seconds = 2.0

    def __init__(self, settings: Settings, broker: Broker, reader: LogReader) -> None:
        self.on_news: Callable[[ChannelLog], None] = lambda _log: None
        self.on_lost: Callable[[ChannelLog], None] = lambda _log: None
        self.on_renewed: Callable[[], None] = lambda: None
        self.on_away: Callable[[], None] = lambda: None
        self.epoch = ""
        self.reader = reader
        self.postgres_up = False
        self._settings = settings
        self._broker = broker
        self._tick: int | None = None
        self._rings = Rings(settings)
        self._logs: dict[str, ChannelLog] = {}
        self._users: dict[str, int] = {}
        self._activations: SingleFlight[ChannelLog] = SingleFlight()
        self._extents = {reason: reader.gathering(reason) for reason in get_args(Reason)}
        self._lingering = Lingering(self._leave)
        self._look_now = asyncio.Event()
        self._behind = asyncio.Event()
        self._looks = Outage(logger, "look failed", "looks work again")
        self._repairs = Outage(logger, "repair failed", "repairs work again")
        broker.on_message = self.deliver
        broker.on_up = self._look_now.set

    # ------------------------------------------------------- active channels

    async def acquire(self, channel: str, *, stored: bool = True) -> ChannelLog:
        """The channel's log, active, its head known; the caller counts as a user of it.

        Of a channel that is not stored nothing is read, its log stays empty: what is told on it
        is heard. Raises one of POSTGRES_FAILURES; then the caller holds nothing.
        """
        self._users[channel] = self._users.get(channel, 0) + 1
        self._lingering.discard(channel)
        try:
            if (log := self.started(channel)) is not None:
                return log
            activate = partial(self._activate, channel, stored=stored)
            return await self._activations.run(channel, activate)
        except BaseException:
            self.release(channel)
            raise

    @property
    def channels(self) -> int:
        """How many are active."""
        return len(self._logs)

    def started(self, channel: str) -> ChannelLog | None:
        """The channel's log, if it is active and its head known."""
        log = self._logs.get(channel)
        return log if log is not None and log.started else None

    def is_current(self, log: ChannelLog) -> bool:
        """Whether this is still the log of its channel, not one from before a renewal."""
        return self._logs.get(log.name) is log

    def expect(self, channel: str, offset: int) -> None:
        """Postgres said that this offset exists; read up to it if need be."""
        self._raise_target(channel, offset)
        self._behind.set()

    def release(self, channel: str) -> None:
        """One user less. The last one out leaves after a while and a second look."""
        self._users[channel] -= 1
        if self._users[channel] == 0:
            self._lingering.add(channel, self.linger_seconds)

    def _leave(self, channels: list[str]) -> None:
        for channel in channels:
            del self._users[channel]
            self._rings.forget(self._logs.pop(channel, None))
        self._broker.unsubscribe(*channels)

    async def check(self, log: ChannelLog, *, reason: Reason) -> None:
        """Ask Postgres how far the log reaches by now. Raises one of POSTGRES_FAILURES."""
        _epoch, extent = await self._extents[reason].ask(log.name)
        log.floor = extent.floor
        log.checked_at = asyncio.get_running_loop().time()
        self.expect(log.name, extent.head)

    async def _activate(self, channel: str, *, stored: bool) -> ChannelLog:
        log = self._logs[channel] = self._rings.make(channel)
        await self._broker.subscribe(channel)
        if not stored:
            log.start(0)
            return log
        epoch, extent = await self._extents["activate"].ask(channel)
        if not self.is_current(log):  # before the epoch: what was read may be older than a look's
            raise ConnectionError("the log was renewed")
        if epoch != self.epoch:
            self._renew(epoch)
            raise ConnectionError("the log was renewed")
        log.start(extent.head, extent.floor)
        self._rings.note(log)
        log.checked_at = asyncio.get_running_loop().time()
        if log.is_behind:
            self._behind.set()
        return log

    # --------------------------------------------------------------- news

    def deliver(self, message: Message) -> None:
        """A message of the broker: append, drop what is known, or have the hole repaired."""
        log = self._logs.get(message.channel)
        if log is None or message.last <= log.head:
            return
        was_behind = log.is_behind
        self._append(log, message.entries())
        if log.is_behind and not was_behind:
            metrics.REPAIRS.labels("push").inc()
            self._behind.set()

    def _append(self, log: ChannelLog, entries: Iterable[Entry]) -> None:
        new = log.append(entries)
        if new:
            self._rings.note(log)
            metrics.EVENTS.inc(new)
            self.on_news(log)

    async def look(self) -> None:
        """Ask Postgres what there is; raises one of POSTGRES_FAILURES."""
        seen = await self._see()
        if seen.epoch != self.epoch or (self._tick is not None and seen.tick < self._tick):
            self._renew(seen.epoch)
        if seen.tick != self._tick:
            # The names are taken after the tick, as heads are in activation: they know all up to
            # it. Not if an activation found this log: then no tick is known, and all are asked for.
            heads = await self.reader.heads(list(self._logs), since=self._tick)
            for channel, head in heads.items():
                self._raise_target(channel, head)
        if seen.epoch == self.epoch:
            self._tick = seen.tick
        if any(log.is_behind for log in self._logs.values()):
            self._behind.set()

    async def _see(self) -> Look:
        """An answer that a renewal has overtaken may tell of the log from before it."""
        while True:
            epoch, seen = self.epoch, await self.reader.look()
            if epoch == self.epoch:
                return seen

    def _raise_target(self, channel: str, head: int) -> None:
        if (log := self._logs.get(channel)) is not None and head > log.target:
            log.target = head
            if log.is_behind:
                metrics.REPAIRS.labels("look").inc()

    def _renew(self, epoch: str) -> None:
        """Another log than before: forget everything that was known of the old one."""
        known, self.epoch, self._tick = self.epoch, epoch, None
        if known:
            logger.warning("the log was renewed", extra={"epoch": epoch})
            self._logs.clear()
            self._rings.clear()
            self.on_renewed()
        self._broker.set_epoch(epoch)

    # -------------------------------------------------------------- tasks

    async def start(self) -> None:
        """Learn which log this is, before the first channel; raises one of POSTGRES_FAILURES."""
        await self.look()
        self.postgres_up = True

    async def run_looks(self) -> None:
        while True:
            self._look_now.clear()
            try:
                await self.look()
                self._looks.end()
                self.postgres_up = True
            except POSTGRES_FAILURES as error:
                self._looks.begin(error)
                self.postgres_up = False
                self.on_away()
            metrics.POSTGRES_UP.set(self.postgres_up)
            settings = self._settings
            pause = settings.look_seconds if self._broker.up else settings.look_seconds_alone
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._look_now.wait()

    async def run_repairs(self) -> None:
        """Read what is missing until every head has reached its target."""
        while True:
            await self._behind.wait()
            self._behind.clear()
            try:
                while behind := [log for log in self._logs.values() if log.is_behind]:
                    await self._repair(behind)
                self._repairs.end()
            except POSTGRES_FAILURES as error:
                self._repairs.begin(error)

    async def _repair(self, behind: list[ChannelLog]) -> None:
        """`$control` comes along in the same statement, and first: whose rights changed before
        one of these events is given none of them until that was looked at.

        All grow in one turn of the loop, unless one has a hole or the read does not come to it:
        those that miss least are first.
        """
        first = filter(None, [self.started(CONTROL_CHANNEL)])
        logs = {log.name: log for log in (*first, *within_a_read(behind))}
        cursors, missing = {name: log.head for name, log in logs.items()}, set(behind)
        found = await self.reader.after(cursors, reason="repair")
        for name, entries in found.items():
            log = logs[name]  # one that was not behind may have grown only after it was read
            if self.is_current(log) and (entries or log in missing):
                await self._mend(log, cursors[name], entries)
            if name == CONTROL_CHANNEL and len(entries) == PIECE_EVENTS:
                return  # the rest of it comes before the others, too

    async def _mend(self, log: ChannelLog, cursor: int, entries: list[Entry]) -> None:
        """`entries` is what was found after the cursor, where the log's head was then."""
        if entries and contiguous(cursor, entries):
            self._append(log, entries)
        elif log.head == cursor:
            await self._restart(log)

    async def _restart(self, log: ChannelLog) -> None:
        """What the ring needed next is not in the log any more: begin again at its head."""
        head, doubted = log.head, log.target
        log.target = head  # whoever learns of a real one meanwhile raises it again
        try:
            epoch, extents = await self.reader.extents([log.name], reason="repair")
        except BaseException:
            log.target = max(log.target, doubted)
            raise
        if not self.is_current(log):
            return
        newest, floor = extents[log.name]
        if epoch != self.epoch or newest < head:
            self._renew(epoch)
            return
        log.target = max(log.target, newest)
        if newest <= log.head:  # nothing is missing: the target was nobody's offset
            return
        logger.warning("the log has a hole", extra={"channel": log.name, "after": log.head})
        self._rings.forget(log)
        fresh = self._logs[log.name] = self._rings.make(log.name, target=log.target)
        fresh.start(newest, floor)
        self.on_lost(log)

    async def aclose(self) -> None:
        """End what is under way; the runs are cancelled by their owner."""
        tasks = self._activations.tasks
        for task in tasks:
            task.cancel()
        ends = (each.aclose() for each in self._extents.values())
        await asyncio.gather(*tasks, *ends, self._lingering.aclose(), return_exceptions=True)
