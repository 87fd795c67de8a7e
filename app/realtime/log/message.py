"""What goes through Redis: events of a channel, or something ephemeral, told apart by one byte."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.realtime.wire.batches import Entry

MESSAGE_BYTES = 262_144

# A message of events begins with a digit, its offset.
SIGNAL = b"!"
PRESENCE = b"~"


@dataclass(slots=True)
class Message:
    """Consecutive events of one channel, the first at `offset`.

    On the wire a line `OFFSET AT,AT,…`, then one payload a line; AT is Unix time in seconds.
    """

    channel: str
    offset: int
    ats: list[float] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    size: int = 0

    @property
    def is_full(self) -> bool:
        return self.size >= MESSAGE_BYTES

    @property
    def last(self) -> int:
        """The offset of the last event."""
        return self.offset + len(self.payloads) - 1

    def entries(self) -> Iterator[Entry]:
        numbered = enumerate(zip(self.ats, self.payloads, strict=True), start=self.offset)
        return (Entry(offset, at, payload) for offset, (at, payload) in numbered)

    def add(self, at: float, payload: bytes) -> None:
        self.ats.append(at)
        self.payloads.append(payload)
        self.size += len(payload)

    def encode(self) -> bytes:
        ats = ",".join(f"{at:.6f}" for at in self.ats)
        return b"\n".join([f"{self.offset} {ats}".encode(), *self.payloads])

    @classmethod
    def decode(cls, channel: str, data: bytes) -> "Message":
        """Raises ValueError if this is no message of ours."""
        head, *payloads = data.split(b"\n")
        offset, _, ats = head.partition(b" ")
        message = cls(channel, int(offset), [float(at) for at in ats.split(b",")], payloads)
        if len(message.ats) != len(payloads):
            raise ValueError("a message with fewer payloads than times")
        return message
