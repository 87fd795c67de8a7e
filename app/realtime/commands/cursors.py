"""Setting a cursor so that nothing can fall between: the steps that every subscription takes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.realtime.log.channel_log import ChannelLog
from app.realtime.log.follower import LogFollower
from app.realtime.wire.protocol import SubscribeResult
from app.realtime.wire.requests import ServerSubscription


@dataclass(frozen=True, slots=True)
class Opened:
    """An acquired log and the place on it; `cursor` is the offset that the client is told."""

    log: ChannelLog
    epoch: str
    cursor: int
    recovered: bool
    stored: bool = True

    def result(self, wanted: ServerSubscription) -> SubscribeResult:
        return SubscribeResult(
            epoch=self.epoch,
            offset=self.cursor,
            was_recovering=wanted.recover,
            recovered=self.recovered,
        )


async def open_cursor(
    follower: LogFollower,
    channel: str,
    wanted: ServerSubscription,
    *,
    authorize: Callable[[], Awaitable[bool]],
    rights: Callable[[], object],
) -> Opened:
    """Authorize, make the channel active, find the place; again if rights or log changed since.

    Between its return and the caller's next await nothing else runs: answer and attach there,
    or release the channel. `authorize` answers whether the channel is stored. Raises what it or
    the log's reader raises. How long it may take is the command's to limit.
    """
    while True:
        before = rights()
        stored = await authorize()
        log = await follower.acquire(channel, stored=stored)
        try:
            recovered = stored and wanted.recover and await _can_recover(follower, log, wanted)
        except BaseException:
            follower.release(channel)
            raise
        if before == rights() and follower.is_current(log):
            cursor = wanted.offset if recovered else log.head
            return Opened(log, follower.epoch, cursor, recovered, stored)
        follower.release(channel)


async def _can_recover(follower: LogFollower, log: ChannelLog, wanted: ServerSubscription) -> bool:
    """Whether the log still has everything after the position, and the position is of this log."""
    if wanted.epoch not in ("", follower.epoch):
        return False
    if wanted.offset > log.head:  # normal after a change of workers: this one may be behind
        await follower.check(log, reason="recover")
        return wanted.offset <= log.target
    if log.holds(wanted.offset):
        return True
    if log.floor_is_old(asyncio.get_running_loop().time()):
        await follower.check(log, reason="recover")
    return wanted.offset >= log.floor
