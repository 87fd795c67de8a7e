"""The leases in Redis, as typed calls. Each is one round trip and has a limit of time."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_json
from redis.asyncio import Redis

from app.realtime.presence.entry_scripts import CHANGES, READ, REAP, WRITE
from app.realtime.presence.lease_scripts import PRELUDE, RENEW

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Lease:
    """`prefix` is that of the log to which it belonged when it was begun."""

    prefix: str
    name: str


class Write(NamedTuple):
    """An entry to `put` or `drop`; or to put if the group has fewer than `what` living ones."""

    group: str
    client: str
    what: str | int
    info: bytes = b""


@dataclass(frozen=True, slots=True)
class Look:
    """What a renewal sees. `known`: the lease still stood. `calm`: see `lease_scripts`.

    `pause`: seconds until somebody's lease may end. `changed`: channel -> version, since the
    tick that was seen. `standing`: how many leases there are, ended or not. `begun`: it is the
    first look of a lease.
    """

    known: bool
    calm: bool
    pause: float
    tick: int
    ended: tuple[Lease, ...]
    changed: dict[str, int]
    standing: int
    begun: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Who is present in a channel, client -> info, and at which version."""

    version: int
    present: dict[str, bytes]


class LeaseStore:
    """Raises one of REDIS_FAILURES; then nobody knows whether it was carried out,
    nor whether it will be.
    """

    def __init__(self, redis: Redis, lease_seconds: float, timeout_seconds: float) -> None:
        self._span = round(lease_seconds * MICROSECONDS)
        self._timeout = timeout_seconds
        self._renew = redis.register_script(PRELUDE + RENEW)
        self._write = redis.register_script(PRELUDE + CHANGES + WRITE)
        self._reap = redis.register_script(PRELUDE + CHANGES + REAP)
        self._read = redis.register_script(PRELUDE + READ)

    async def renew(self, lease: Lease, *, begin: bool, seen: int) -> Look:
        """Renew the lease if it still stands, or begin it; else only look."""
        reply = await self._call(self._renew, lease.prefix, lease.name, int(begin), seen)
        known, calm, pause, tick, ended, changed, standing = reply
        pairs = [*_texts(changed)]
        return Look(
            bool(known),
            bool(calm),
            pause / MICROSECONDS,
            tick,
            tuple(Lease(lease.prefix, name) for name in _texts(ended)),
            dict(zip(pairs[::2], (int(float(score)) for score in pairs[1::2]), strict=True)),
            standing,
            begin,
        )

    async def write(self, lease: Lease, writes: Iterable[Write]) -> list[int] | None:
        """Carry these out, and tell who watches. The places, among them, of those for which the
        group had no room; None if the lease has ended: then nothing was done.
        """
        packed = to_json([*writes])
        reply: list[int] | None = await self._call(self._write, lease.prefix, lease.name, packed)
        return reply

    async def reap(self, lease: Lease, most: int, *, give_up: bool = False) -> int:
        """Remove entries of a lease that has ended, or is given up by this, and tell who watches.
        How many are left to remove; -1 if it has not ended.
        """
        left: int = await self._call(self._reap, lease.prefix, lease.name, most, int(give_up))
        return left

    async def read(self, prefix: str, channels: Sequence[str]) -> tuple[bool, list[Found]]:
        """Whether all is calm, and who is present in each of the channels."""
        calm, *found = await self._call(self._read, prefix, *channels)
        return bool(calm), [
            Found(version, dict(zip(_texts(flat[::2]), flat[1::2], strict=True)))
            for version, flat in found
        ]

    async def _call(self, script: Any, prefix: str, *args: str | int | bytes) -> Any:
        async with asyncio.timeout(self._timeout):
            return await script(args=(prefix, self._span, *args))


def _texts(values: Iterable[bytes]) -> Iterable[str]:
    return (value.decode() for value in values)
