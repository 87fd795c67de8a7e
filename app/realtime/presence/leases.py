"""A worker's lease, on which hangs all that its clients hold in the cluster.

A worker renews one lease, whatever number of clients it has. When it is killed the lease ends,
and a worker that is left removes its entries. `entries` only takes notes; one task carries them
out, many at a time and in order, so thousands of clients that vanish in a moment cost a few
commands, and nobody waits for Redis.

Wherever it is not known whether Redis carried something out, or still has what it carried out
(a time-out, the listening link came up anew, the lease is not there), the worker begins another
lease. It writes all its entries again under the new one, which tells nobody anything where they
still stood, and then gives the former one up, with what is left under it. So a command that a
hanging Redis carries out much too late finds a lease that has ended, or one that soon will.
"""

import asyncio
import logging
from contextlib import suppress
from itertools import count
from uuid import uuid4

from app.core.config import Settings
from app.core.unavailable import REDIS_FAILURES
from app.realtime.log.broker import Broker
from app.realtime.presence.entries import Entries
from app.realtime.presence.lease_store import Lease, LeaseStore, Look

logger = logging.getLogger(__name__)

RENEWALS = 3
ENTRIES = 256
GATHER_SECONDS = 0.005
NOBODY = "nobody"


class Leases:
    """The steps by which this worker's entries are kept in Redis.

    One task takes them (`presence`), again and again, in this order: `rest`, `keep`, `write`,
    `reap`. All but the first raise one of REDIS_FAILURES. `lease`: the one that is kept now.
    `away`: the last turn failed. `calm`: see `lease_scripts`.
    """

    def __init__(self, settings: Settings, broker: Broker) -> None:
        self._timeout = settings.redis_timeout_seconds
        self.store = LeaseStore(broker.redis, settings.lease_seconds, self._timeout)
        self.entries = Entries(self.wake)
        self.calm = False
        self.away = False
        self.renewal_seconds = settings.lease_seconds / RENEWALS
        self._key = broker.key
        self._worker = uuid4().hex
        self._numbers = count(1)
        self.lease: Lease | None = None
        self._doubted = False
        self._ended: dict[Lease, bool] = {}
        self._prefixes: dict[str, None] = {}  # those under which leases may stand
        self._to_look_at: list[str] = []
        self._crowded = False
        self._seen = 0
        self._renew_at = 0.0
        self._awake = asyncio.Event()
        broker.on_gap = self.doubt

    @property
    def prefix(self) -> str:
        """What the names of all keys begin with."""
        return self._key("")

    def doubt(self) -> None:
        """What stands in Redis may not be what was written."""
        self._doubted = True
        self.wake()

    def fail(self, error: Exception) -> None:
        """A step failed: whoever waits is told. Once there is less to write by beginning another
        lease than by the notes, it shall be that: while Redis is away clients come and go.
        """
        self.away = True
        self.entries.fail(error)
        if self.entries.unwritten > self.entries.held + ENTRIES:
            self.entries.forget_notes()
            self._doubted = True
        self.wake()

    def wake(self) -> None:
        self._awake.set()

    # -------------------------------------------------------------------- steps

    async def rest(self) -> None:
        """Until there is something to do. While clients come in crowds, a moment longer: a command
        to Redis costs about the same for one entry as for ten.
        """
        pause = self._renew_at - asyncio.get_running_loop().time()
        if pause > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._awake.wait()
        if self._crowded:
            await asyncio.sleep(GATHER_SECONDS)
        self._awake.clear()

    async def keep(self) -> Look | None:
        """Renew the lease when it is time, or begin another one; what was seen by that."""
        lease = self.lease
        if lease is None or self._doubted or lease.prefix != self.prefix:
            return await self._begin()
        if asyncio.get_running_loop().time() < self._renew_at:
            return None
        look = await self.store.renew(lease, begin=False, seen=self._seen)
        if not look.known or look.tick < self._seen:
            logger.warning("the lease is gone", extra={"lease": lease.name})
            return await self._begin()
        self._heed(look)
        return look

    async def write(self) -> bool:
        """Write what was noted until now; whether the lease that it is written under still is."""
        self._crowded = self.entries.unwritten > 1
        for _ in range(0, self.entries.unwritten, ENTRIES):
            if self.lease is None or not await self._write_some(self.lease):
                self.doubt()
                return False
        return True

    async def reap(self) -> None:
        """Remove some entries of a lease that has ended."""
        await self._look_back()
        if self._ended and not self._doubted:
            lease, is_own = next(iter(self._ended.items()))
            if await self.store.reap(lease, ENTRIES, give_up=is_own) <= 0:
                del self._ended[lease]
        if self._ended:
            self.wake()

    async def aclose(self) -> None:
        """Give the lease up with all its entries. Its task has ended before."""
        if self.lease is not None:
            self._ended[self.lease] = True
        self.lease = None
        self.entries.clear()
        own = [lease for lease, is_own in self._ended.items() if is_own]
        self._ended.clear()
        with suppress(*REDIS_FAILURES):
            async with asyncio.timeout(self._timeout):
                for lease in own:
                    while await self.store.reap(lease, ENTRIES, give_up=True) > 0:
                        continue

    async def _begin(self) -> Look:
        lease = Lease(self.prefix, f"{self._worker}.{next(self._numbers)}")
        self._doubted = False  # not after the call: what happens meanwhile counts
        if self.lease is not None:
            self._ended[self.lease] = True
        self.lease = None
        self._prefixes[lease.prefix] = None
        look = await self.store.renew(lease, begin=True, seen=0)
        self.lease = lease
        self.entries.note_all()
        self._heed(look)
        return look

    def _heed(self, look: Look) -> None:
        now = asyncio.get_running_loop().time()
        self._renew_at = now + min(self.renewal_seconds, look.pause)
        self._seen, self.calm = look.tick, look.calm
        self._to_look_at = [one for one in self._prefixes if one != self.prefix]
        for lease in look.ended:
            self._ended.setdefault(lease, False)

    async def _look_back(self) -> None:
        """Once for each renewal: a worker that died when the log became another one has left a
        lease under the former prefix, and nobody is there to see it end.
        """
        while self._to_look_at:
            prefix = self._to_look_at.pop()
            look = await self.store.renew(Lease(prefix, NOBODY), begin=False, seen=0)
            for lease in look.ended:
                self._ended.setdefault(lease, False)
            if not look.standing:
                del self._prefixes[prefix]

    async def _write_some(self, lease: Lease) -> bool:
        """Whether the lease still stands."""
        batch = self.entries.next(ENTRIES)
        try:
            refused = await self.store.write(lease, batch.writes)
        except BaseException:
            self.doubt()
            raise
        if refused is None:
            return False
        self.entries.settle(batch, refused)
        return True
