"""Batches: what lies after a cursor as one message, made once for all cursors that are equal.

A log is cut into blocks, and a batch ends where its block does, or at the head. So cursors that
have come apart (some were served a moment later, some are slow) are equal again after their next
batch, and the blocks of a backlog are joined once, however many clients are how far behind.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.realtime.wire.codec import Codec
from app.realtime.wire.frames import Message

BATCH_BYTES = 65_536
JOINED_BYTES = 32 * 1024 * 1024
"""Of batches, in all logs of a worker: each counts as data, as a frame and with BESIDES_BYTES."""
BESIDES_BYTES = 512
"""What the objects that make up a batch take themselves."""
ENVELOPE_BYTES = 64
"""What a flavour adds to an event and to its channel's name, at most."""


@dataclass(slots=True)
class Entry:
    """One event at its offset. `at` is Unix time in seconds, `payload` the event's JSON."""

    offset: int
    at: float
    payload: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Publications after a cursor as one message; `upto` is the new cursor."""

    message: Message
    upto: int
    count: int

    @property
    def size(self) -> int:
        """In bytes of memory; a compressed frame, where somebody asked for one, comes on top."""
        return len(self.message.data) + len(self.message.frame) + BESIDES_BYTES


def pack(codec: Codec, documents: Sequence[bytes]) -> list[Message]:
    """These, for everybody who is to get them, as few messages as they fit into."""
    messages: list[Message] = []
    while documents:
        count = fitting(map(len, documents))
        messages.append(Message(codec.join(documents[:count]), codec.opcode, shared=True))
        documents = documents[count:]
    return messages


def fitting(sizes: Iterable[int]) -> int:
    """How many documents, from the first on, make up one message: one at least."""
    count, total = 0, -1
    for size in sizes:
        total += size + 1  # with what separates it
        if count and total > BATCH_BYTES:
            break
        count += 1
    return count


Key = tuple["Batches", Codec, int, int]


class Joined:
    """The batches of many logs, for as long as there is room: those made first go first.

    They are bounded by bytes and together, since nobody can tell when a batch is not needed any
    more: the next of a storm of clients may come for it after a walk has ended, and without one.
    """

    def __init__(self, most: int = JOINED_BYTES) -> None:
        self.size = 0
        self._most = most
        self._batches: OrderedDict[Key, Batch] = OrderedDict()  # a dict is slow to find its first

    def find(self, key: Key) -> Batch | None:
        return self._batches.get(key)

    def keep(self, key: Key, batch: Batch) -> None:
        """The newest is kept in any case: all who stand at its cursor are about to be given it."""
        while self._batches and self.size + batch.size > self._most:
            self.size -= self._batches.popitem(last=False)[1].size
        self._batches[key] = batch
        self.size += batch.size


class Batches:
    """The batches of one log: of at most BATCH_BYTES, but of one event at least."""

    __slots__ = ("_channel", "_cuts", "_envelope", "_joined", "_last", "_size")

    def __init__(self, channel: str, joined: Joined) -> None:
        self._channel = channel
        self._envelope = ENVELOPE_BYTES + len(channel.encode())
        self._joined = joined
        # The last offset of each block but the one that still grows, whose size is `_size`.
        self._cuts: list[int] = []
        self._last = 0
        self._size = 0

    def add(self, entry: Entry) -> None:
        """The log has grown by this."""
        size = len(entry.payload) + self._envelope
        if self._size and self._size + size > BATCH_BYTES:
            self._cuts.append(self._last)
            self._size = 0
        self._size += size
        self._last = entry.offset

    def forget(self, first: int) -> None:
        """What lies before this offset is not asked for any more."""
        del self._cuts[: bisect_right(self._cuts, first - 1)]

    def get(self, codec: Codec, cursor: int, entries: Iterable[Entry]) -> Batch:
        """`entries` follow the cursor, up to the end of the block or further."""
        nth = bisect_right(self._cuts, cursor)
        end = self._cuts[nth] if nth < len(self._cuts) else self._last
        key = (self, codec, cursor, end)
        batch = self._joined.find(key)
        if batch is None:
            batch = self._join(codec, end, entries)
            self._joined.keep(key, batch)
        return batch

    def _join(self, codec: Codec, end: int, entries: Iterable[Entry]) -> Batch:
        documents: list[bytes] = []
        for entry in entries:
            documents.append(codec.publication(self._channel, entry.offset, entry.payload))
            if entry.offset == end:
                break
        message = Message(codec.join(documents), codec.opcode, shared=True)
        return Batch(message, end, len(documents))
