"""The mirrors of all channels that are watched on this worker, and which of them to read anew."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from app.realtime.presence.lease_store import Found, Look
from app.realtime.presence.leases import Leases
from app.realtime.presence.mirror import Change, Mirror, Told

CHANNELS = 64

OnChange = Callable[[str, Sequence[Told]], None]


class Mirrors:
    """`on_change(channel, told)`: what the watchers of a channel are told in one moment."""

    def __init__(self, leases: Leases) -> None:
        self.on_change: OnChange = lambda _channel, _told: None
        self._leases = leases
        self._mirrors: dict[str, Mirror] = {}
        self._watchers: Counter[str] = Counter()
        self._unsure: dict[str, None] = {}
        self._partial: dict[str, None] = {}
        self._behind: dict[str, int] = {}

    def watch(self, channel: str) -> None:
        """One watcher more; the first one makes it begin."""
        self._watchers[channel] += 1
        if channel not in self._mirrors:
            self._mirrors[channel] = Mirror()
            self._doubt([channel])

    def unwatch(self, channel: str) -> None:
        """One watcher less; with the last one it is over."""
        self._watchers[channel] -= 1
        if self._watchers[channel] <= 0:
            del self._watchers[channel]
            self._mirrors.pop(channel, None)
            self._unsure.pop(channel, None)
            self._partial.pop(channel, None)

    def told(self, channel: str) -> dict[str, bytes] | None:
        """Who is present as far as the watchers know; None if there are none, or as yet nothing
        was read for them.
        """
        mirror = self._mirrors.get(channel)
        return mirror.present if mirror is not None and mirror.started else None

    def hear(self, channel: str, data: bytes) -> None:
        """A change arrived; ValueError if it is none."""
        mirror = self._mirrors.get(channel)
        if mirror is not None:
            self._tell(channel, mirror, mirror.hear(Change.decode(data)))

    def heed(self, look: Look) -> None:
        """Doubt what was behind a whole look ago and still is; everything, if Redis may have
        forgotten something, or messages may have been lost.
        """
        behind = [
            channel
            for channel, version in self._behind.items()
            if channel in self._mirrors and self._mirrors[channel].version < version
        ]
        self._behind = {each: look.changed[each] for each in look.changed if each in self._mirrors}
        self._doubt(self._mirrors if look.begun else behind)
        if look.calm:
            self._doubt(self._partial)
            self._partial.clear()

    async def correct(self) -> None:
        """Read anew what is in doubt; raises one of REDIS_FAILURES."""
        await self.read(list(self._unsure))

    async def read(self, channels: Iterable[str]) -> dict[str, dict[str, bytes]]:
        """Who is present in each of these, watched or not; raises one of REDIS_FAILURES."""
        remaining, present = iter(channels), {}
        while some := list(islice(remaining, CHANNELS)):
            found = await self._read_some(some)
            present.update({channel: each.present for channel, each in found.items()})
        return present

    async def _read_some(self, channels: list[str]) -> dict[str, Found]:
        mirrors = {each: self._mirrors[each] for each in channels if each in self._mirrors}
        for mirror in mirrors.values():
            mirror.expect()
        try:
            calm, found = await self._leases.store.read(self._leases.prefix, channels)
        except BaseException:
            for channel, mirror in mirrors.items():
                self._tell(channel, mirror, mirror.abandon())
            raise
        by_channel = dict(zip(channels, found, strict=True))
        for channel, mirror in mirrors.items():
            if self._mirrors.get(channel) is mirror:  # not a newer one's doubt
                self._unsure.pop(channel, None)
            self._tell(channel, mirror, mirror.correct(by_channel[channel], whole=calm))
        return by_channel

    def _tell(self, channel: str, mirror: Mirror, told: Sequence[Told]) -> None:
        if self._mirrors.get(channel) is not mirror:  # nobody watches any more
            return
        if not mirror.is_being_read:
            if mirror.unsure:
                self._doubt([channel])
            elif not mirror.whole:
                self._partial[channel] = None
        if told:
            self.on_change(channel, told)

    def _doubt(self, channels: Iterable[str]) -> None:
        self._unsure.update(dict.fromkeys(channels))
        if self._unsure:
            self._leases.wake()
