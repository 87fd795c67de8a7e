"""Reads from Postgres for cursors that have fallen off their ring.

The log is read in blocks of PIECE_EVENTS offsets, each once for everyone who waits for any part
of it: a thousand clients that come back together from different places cost as many reads as
there are blocks between the first of them and the ring. Of a block that is too large for one read
whoever stands behind the first piece is read for from its own place.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary, WeakValueDictionary

from app.core.outages import Outage
from app.core.unavailable import POSTGRES_FAILURES
from app.realtime.fanout.subscription import Subscription
from app.realtime.log.channel_log import ChannelLog, Segment
from app.realtime.log.reader import PIECE_BYTES, PIECE_EVENTS, LogReader, Reason, is_cut
from app.realtime.wire.batches import Entry

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
KEPT_SEGMENTS = 32
KEPT_BYTES = 16 * PIECE_BYTES
"""Of what was read last, for whoever comes a little later; the last in any case."""
HELD_BYTES = 32 * PIECE_BYTES
"""Of what cursors hold until it was handed over, all together: clients that take it slowly hold it
for long.
"""

Block = tuple[ChannelLog, int]


class Refills:
    """`on_ready(subscription)`: its segment is there, or it has to ask again.
    `on_lost(subscription)`: what follows its cursor is not in the log any more. Neither is called
    for one that has ended.
    """

    def __init__(
        self,
        reader: LogReader,
        on_ready: Callable[[Subscription], None],
        on_lost: Callable[[Subscription], None],
    ) -> None:
        self._reader = reader
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._outage = Outage(logger, "refill failed", "refills work again")
        self._waiting: dict[Block, list[Subscription]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._segments: WeakValueDictionary[Block, Segment] = WeakValueDictionary()
        self._recent: deque[Segment] = deque()
        self._kept_bytes = 0
        # Who may still hold a segment, the longest first; none is kept by this.
        self._holders: WeakKeyDictionary[Subscription, None] = WeakKeyDictionary()

    def request(self, subscription: Subscription) -> None:
        """Read what follows its cursor; it is told once, by one of the two callbacks."""
        subscription.refilling = True
        block = (subscription.log, subscription.cursor // PIECE_EVENTS)
        waiting = self._waiting.get(block)
        if waiting is not None:
            waiting.append(subscription)
            return
        self._waiting[block] = [subscription]
        task = asyncio.create_task(self._fill(block), name=f"refill {subscription.channel}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _fill(self, block: Block) -> None:
        try:
            segment = await self._find(block)
        except Exception:
            await asyncio.sleep(RETRY_SECONDS)
            self._hand_out(block, None)
            raise
        self._hand_out(block, segment)
        self._take_back()

    async def _find(self, block: Block) -> Segment | None:
        """Until Postgres answers, or nobody waits for it any more."""
        segment = self._segments.get(block)
        while segment is None or not self._serves(segment, block):
            try:
                segment = await self._read(block)
                self._outage.end()
                break
            except POSTGRES_FAILURES as error:
                self._outage.begin(error)
                await asyncio.sleep(RETRY_SECONDS)
                if not any(subscription.is_live for subscription in self._waiting[block]):
                    break
        return segment

    def _hand_out(self, block: Block, segment: Segment | None) -> None:
        """To all who wait for it; whom it does not serve will ask again: who came or was cut
        meanwhile, and everybody where there is none.
        """
        waiting = self._waiting.pop(block)
        for subscription in waiting:
            subscription.refilling = False
        for subscription in waiting:
            if not subscription.is_live:
                continue
            if segment is not None and segment.lacks(subscription.cursor):
                self._on_lost(subscription)
                continue
            if segment is not None:
                subscription.segment = segment
                self._holders.pop(subscription, None)
                self._holders[subscription] = None
            self._on_ready(subscription)

    def _take_back(self) -> None:
        """Of too much, what was given out first: who still needs it asks again when it is taken."""
        held = {
            one: segment
            for one in self._holders
            if one.is_live and (segment := one.segment) is not None
        }
        holders = Counter(held.values())
        size = sum(segment.size for segment in holders)
        for one, segment in list(held.items()):
            if size <= HELD_BYTES:
                break
            one.segment = None
            del held[one]
            holders[segment] -= 1
            if not holders[segment]:
                size -= segment.size
        self._holders = WeakKeyDictionary(dict.fromkeys(held))

    def _serves(self, segment: Segment, block: Block) -> bool:
        """Whether what was read a while ago is enough for all who wait now."""
        return all(segment.holds(subscription.cursor) for subscription in self._waiting[block])

    async def _read(self, block: Block) -> Segment:
        """Begins later than the block if its front was pruned, or behind a hole in it; or, where
        the block is too large, at the one who has waited longest.
        """
        log, number = block
        start, known = number * PIECE_EVENTS, min(log.head, (number + 1) * PIECE_EVENTS)
        rows, oldest = await self._rows(block, start), self._waiting[block][0].cursor
        if is_cut(rows) and rows[-1].offset <= oldest:
            start = oldest
            rows = await self._rows(block, start)
        if is_cut(rows):
            known = min(known, rows[-1].offset)
        # Not beyond the head: what a change of rights comes before is not known here yet.
        entries = whole_end([entry for entry in rows if entry.offset <= log.head], known)
        first = entries[0].offset - 1 if entries else known
        if first > start:
            log.floor = max(log.floor, first)
        segment = self._segments[block] = Segment(log, first, entries, sought=start)
        self._keep(segment)
        return segment

    def _keep(self, segment: Segment) -> None:
        self._recent.append(segment)
        self._kept_bytes += segment.size
        while len(self._recent) > 1 and self._keeps_too_much:
            self._kept_bytes -= self._recent.popleft().size

    @property
    def _keeps_too_much(self) -> bool:
        return len(self._recent) > KEPT_SEGMENTS or self._kept_bytes > KEPT_BYTES

    async def _rows(self, block: Block, start: int) -> list[Entry]:
        log, number = block
        left = (number + 1) * PIECE_EVENTS - start
        recovering = any(one.recovering for one in self._waiting[block])
        reason: Reason = "recover" if recovering else "refill"
        return (await self._reader.after({log.name: start}, reason=reason, limit=left))[log.name]


def whole_end(entries: Sequence[Entry], known: int) -> Sequence[Entry]:
    """What follows the last hole, in rows that are in order; `known` is an offset that exists."""
    if not entries or entries[-1].offset < known:
        return ()
    begin = len(entries) - 1
    while begin and entries[begin - 1].offset == entries[begin].offset - 1:
        begin -= 1
    return entries[begin:]
