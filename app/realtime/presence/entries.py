"""What the clients of this worker hold in the cluster, and what of it is yet to be written."""

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from app.realtime.presence.lease_store import Write


class Key(NamedTuple):
    """An entry's place: within its group a client is there once or not at all."""

    group: str
    client: str


class Take(NamedTuple):
    size: int
    taken: "asyncio.Future[bool]"


class WriteBatch(NamedTuple):
    """Writes that go out together; by their places, those on whose outcome somebody waits."""

    writes: list[Write]
    takes: dict[int, Take]


class Entries:
    """`put`, `drop` and `take` make a note of a place; `next` says what is to be written there
    now. So what came and went in between costs nothing, and to write it again does no harm.

    `on_note` is called when there is something to write.
    """

    def __init__(self, on_note: Callable[[], None]) -> None:
        self._on_note = on_note
        self._held: dict[str, dict[str, bytes]] = {}
        self._noted: dict[Key, None] = {}
        self._takes: dict[Key, Take] = {}

    def count(self, group: str) -> int:
        """How many entries this worker has in the group."""
        return len(self._held.get(group, ()))

    @property
    def held(self) -> int:
        """How many it has in all."""
        return sum(map(len, self._held.values()))

    @property
    def unwritten(self) -> int:
        return len(self._noted)

    def put(self, group: str, client: str, info: bytes = b"") -> None:
        self._held.setdefault(group, {})[client] = info
        self._note(Key(group, client))

    def drop(self, group: str, client: str) -> None:
        """Remove the entry, if there is one; who waits to take it is refused."""
        take, clients = self._takes.get(Key(group, client)), self._held.get(group, {})
        if take is not None and not take.taken.done():
            take.taken.set_result(False)
            self._note(Key(group, client))
        if clients.pop(client, None) is not None:
            self._note(Key(group, client))
            if not clients:
                del self._held[group]

    async def take(self, group: str, client: str, size: int) -> bool:
        """Put it if there are fewer than `size` in the group, all workers taken together.

        Raises what `fail` is given. Whoever is cancelled meanwhile may have taken it.
        """
        key = Key(group, client)
        taken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._takes[key] = Take(size, taken)
        self._note(key)
        try:
            return await taken
        except BaseException:
            self._note(key)  # for what it is by then, if it was written
            raise
        finally:
            self._takes.pop(key, None)

    def note_all(self) -> None:
        """Nothing is written any more, nor is there anything to remove."""
        held = (Key(group, one) for group, clients in self._held.items() for one in clients)
        self._noted = dict.fromkeys([*held, *self._takes])

    def forget_notes(self) -> None:
        """Of use to nobody: `note_all` will come before the next write."""
        self._noted.clear()

    def next(self, most: int) -> WriteBatch:
        """What was noted first; it counts as written from now on."""
        batch = WriteBatch([], {})
        for place, key in enumerate(list(islice(self._noted, most))):
            del self._noted[key]
            info, take = self._held.get(key.group, {}).get(key.client), self._takes.get(key)
            if info is not None:
                batch.writes.append(Write(*key, "put", info))
            elif take is not None and not take.taken.done():
                batch.writes.append(Write(*key, take.size))
                batch.takes[place] = take
            else:
                batch.writes.append(Write(*key, "drop"))
        return batch

    def settle(self, batch: WriteBatch, refused: list[int]) -> None:
        """The batch was written, but for the places that were refused."""
        for place, take in batch.takes.items():
            if take.taken.done():
                continue
            write = batch.writes[place]
            if place not in refused:
                self._held.setdefault(write.group, {})[write.client] = write.info
            take.taken.set_result(place not in refused)

    def fail(self, error: Exception) -> None:
        """Whoever waits for an outcome is told that there is none."""
        for take in self._takes.values():
            if not take.taken.done():
                take.taken.set_exception(error)

    def clear(self) -> None:
        self._held.clear()
        self._noted.clear()

    def _note(self, key: Key) -> None:
        self._noted[key] = None
        self._on_note()
