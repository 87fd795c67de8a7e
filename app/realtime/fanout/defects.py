"""Defects on purpose: every nth delivery is dropped, repeated, or changes places with the next.

For whoever wants to know whether a test or a measurement would notice. See `core.failpoints`.
"""

from dataclasses import dataclass

from app.realtime.fanout.transport import Writer
from app.realtime.wire.codec import JSON
from app.realtime.wire.frames import Message, Opcode

PUBLICATION = b'{"push":{"channel":"'


@dataclass(slots=True)
class Defect:
    """What happens to every nth delivery of a worker; to those in JSON only."""

    action: str
    every: int
    deliveries: int = 0

    def hits(self, events: int) -> bool:
        """Whether one of the next so many deliveries is it."""
        self.deliveries += events
        if self.deliveries < self.every:
            return False
        self.deliveries -= self.every
        return True


class DefectiveTransport:
    """A Writer that does to the last event of a message what the defect says."""

    def __init__(self, transport: Writer, defect: Defect) -> None:
        self._transport = transport
        self._defect = defect
        self._held: bytes | None = None

    @property
    def writable(self) -> bool:
        return self._transport.writable

    @property
    def progress(self) -> int:
        return self._transport.progress

    def send(self, message: Message) -> None:
        documents = message.data.split(b"\n") if message.opcode is Opcode.TEXT else []
        events = sum(document.startswith(PUBLICATION) for document in documents)
        is_event = bool(documents) and documents[-1].startswith(PUBLICATION)
        held, self._held = self._held, None
        if is_event and self._defect.hits(events):
            self._spoil(documents)
        elif held is None:
            self._transport.send(message)
        else:
            self._say([*documents, held])

    def close(self, code: int, reason: str) -> None:
        self._transport.close(code, reason)

    def _spoil(self, documents: list[bytes]) -> None:
        *before, last = documents
        if self._defect.action == "repeat":
            before += [last, last]
        elif self._defect.action == "swap":
            self._held = last
        self._say(before)

    def _say(self, documents: list[bytes]) -> None:
        if documents:
            self._transport.send(Message(JSON.join(documents), JSON.opcode))
