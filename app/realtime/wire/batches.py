"""Batches: what lies after a cursor as one message, made once for all cursors that are equal.

A log is cut into blocks, and a batch ends where its block does, or at the head. So cursors that
have come apart (some were served a moment later, some are slow) are equal again after their next
batch, and the blocks of a backlog are joined once, however many clients are how far behind.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.realtime.wire.codec import Codec
from app.realtime.wire.frames import Message

BATCH_BYTES = 65_536
MAX_JOINED = 16
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


class Batches:
    """The batches of one log: of at most BATCH_BYTES, but of one event at least."""

    __slots__ = ("_channel", "_cuts", "_envelope", "_last", "_made", "_size")

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._envelope = ENVELOPE_BYTES + len(channel.encode())
        self._made: dict[tuple[Codec, int, int], Batch] = {}
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
        batch = self._made.get((codec, cursor, end))
        if batch is None:
            if len(self._made) >= MAX_JOINED:
                del self._made[next(iter(self._made))]
            batch = self._made[codec, cursor, end] = self._join(codec, end, entries)
        return batch

    def _join(self, codec: Codec, end: int, entries: Iterable[Entry]) -> Batch:
        documents: list[bytes] = []
        for entry in entries:
            documents.append(codec.publication(self._channel, entry.offset, entry.payload))
            if entry.offset == end:
                break
        message = Message(codec.join(documents), codec.opcode, shared=True)
        return Batch(message, end, len(documents))
