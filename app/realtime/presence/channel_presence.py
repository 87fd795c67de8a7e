"""Who is present in a channel, on all workers, and what the watchers of this one are told.

Guaranteed, while Redis answers and forgets nothing of itself (eviction):

- `read` of a watched channel is what its watchers were told until that very moment, so whoever
  goes on from it by joins and leaves always ends with what a later `read` says;
- each client's join comes before its leave, and neither comes twice in a row. A client that left
  and came back between two looks at it may not be mentioned;
- a lost message, a link that was cut or a Redis that was emptied is noticed within about
  LEASE_SECONDS (a lost message: two thirds of it), and made up for by the difference;
- clients of a worker that was killed leave within LEASE_SECONDS and a little. If Redis was
  emptied or hung meanwhile: within LEASE_SECONDS of its first sign of life, so that nobody who
  is still there is said to have left.

Not guaranteed: that all watchers are told in the same order, or of a client that came and went
in one moment. Changes of one's own worker take the way through Redis too, so while it is away
nobody is told anything. For a channel that is not watched `read` is a moment of Redis, with the
clients of this worker that entered before.
"""

import asyncio
import logging

from redis.exceptions import ReadOnlyError

from app.core.config import Settings
from app.realtime.log.broker import Broker
from app.realtime.presence.leases import Leases
from app.realtime.presence.mirrors import Mirrors, OnChange
from app.realtime.wire.protocol import client_info

logger = logging.getLogger(__name__)

Asked = dict[str, "asyncio.Future[dict[str, bytes]]"]


class Presence:
    """`enter`, `leave`, `watch` and `unwatch` return at once and do not know of Redis.

    `run` keeps the leases, too.
    """

    def __init__(self, settings: Settings, broker: Broker, leases: Leases) -> None:
        self._broker = broker
        self._leases = leases
        self._mirrors = Mirrors(leases)
        self._timeout = settings.redis_timeout_seconds
        self._asked: Asked = {}
        self._answering: Asked = {}
        self._only_reads = False
        broker.on_presence = self._mirrors.hear

    @property
    def on_change(self) -> OnChange:
        """Called with (channel, who came and went at once) for the watchers on this worker."""
        return self._mirrors.on_change

    @on_change.setter
    def on_change(self, told: OnChange) -> None:
        self._mirrors.on_change = told

    def enter(self, channel: str, client_id: str, info: bytes) -> None:
        """The client is present, as the ClientInfo in JSON says."""
        self._leases.entries.put(_group(channel), client_id, info.replace(b"\n", b" "))

    def leave(self, channel: str, client_id: str) -> None:
        """The client is gone. May be said of any, and of thousands in one moment."""
        self._leases.entries.drop(_group(channel), client_id)

    @property
    def away(self) -> bool:
        """Redis took nothing the last time."""
        return self._leases.away

    async def read(self, channel: str) -> dict[str, bytes]:
        """ClientInfo by client id. Raises one of REDIS_FAILURES. No await between this and the
        answer to a watcher, or what it is told in between is missing from it.
        """
        if self._leases.away:
            raise ConnectionError("Redis is away")
        if channel not in self._asked:
            self._asked[channel] = asyncio.get_running_loop().create_future()
            self._leases.wake()
        async with asyncio.timeout(self._timeout):
            present = await asyncio.shield(self._asked[channel])
        told = self._mirrors.told(channel)
        return dict(present if told is None else told)

    async def stats(self, channel: str) -> tuple[int, int]:
        """How many clients there are, and how many users. Raises one of REDIS_FAILURES."""
        present = await self.read(channel)
        return len(present), len({client_info(info).user for info in present.values()})

    def watch(self, channel: str) -> None:
        """One watcher more on this worker: from now on it is told who comes and goes. To be
        called before it enters or reads, and once for each watcher.
        """
        self._mirrors.watch(channel)

    def unwatch(self, channel: str) -> None:
        """One watcher less."""
        self._mirrors.unwatch(channel)

    # --------------------------------------------------------------------- task

    async def run(self) -> None:
        """Until cancelled. No error ends it."""
        task = asyncio.current_task()
        while task is None or not task.cancelling():  # a client library may swallow the first one
            await self._leases.rest()
            try:
                await self._turn()
                self._leases.away = False
                await self._stay_with_primary()
            except Exception as error:  # noqa: BLE001 - an edge: presence outlives every error
                self._fail(error)
                await self._leave_replica(error)
                await asyncio.sleep(self._leases.renewal_seconds / 2)

    async def aclose(self) -> None:
        """This worker's clients leave at once; `run` is cancelled by its owner before."""
        self._refuse(ConnectionError("the worker ends"))
        await self._leases.aclose()

    async def _turn(self) -> None:
        """Mirrors are read before the worker's own entries are written, so that a first watcher
        is told of itself; who asks is answered after that, and so finds itself present.
        """
        if not self._answering:
            self._answering, self._asked = self._asked, {}
        look = await self._leases.keep()
        if look is not None:
            self._mirrors.heed(look)
        await self._mirrors.correct()
        if not await self._leases.write():
            return  # under another lease in the next turn, and answered then
        await self._answer()
        await self._leases.reap()

    async def _answer(self) -> None:
        for channel, present in (await self._mirrors.read(self._answering)).items():
            self._answering.pop(channel).set_result(present)
        if self._asked:
            self._leases.wake()

    def _fail(self, error: Exception) -> None:
        if not self._leases.away:
            logger.warning("presence failed", extra={"error": repr(error)})
        self._refuse(ConnectionError(f"Redis is away: {error!r}"))

    async def _leave_replica(self, error: Exception) -> None:
        """A primary that became a replica keeps its connections, and answers them; what is
        published in its successor reaches whoever listens to it, so the link may stay for now.
        """
        if isinstance(error, ReadOnlyError):
            self._only_reads = True
            await self._broker.connect_anew()

    async def _stay_with_primary(self) -> None:
        """Others may have stayed behind: publishing in a replica is refused to nobody."""
        if self._only_reads:
            self._only_reads = False
            self._broker.drop_link()
            await self._broker.connect_anew()

    def _refuse(self, failure: ConnectionError) -> None:
        """Whoever waits for Redis is told that it is of no use."""
        self._leases.fail(failure)
        for asked in (*self._answering.values(), *self._asked.values()):
            asked.set_exception(failure)
            asked.exception()  # who asked may have gone
        self._answering, self._asked = {}, {}


def _group(channel: str) -> str:
    return f"presence:{channel}"
