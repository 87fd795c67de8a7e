"""A WebSocket whose events are accounted for, as cheaply as the other sockets of its channel allow.

See `steps` and `reference`: bytes that another socket was sent before are only compared.
"""

from collections.abc import Sequence
from time import time_ns
from typing import Protocol, cast

from load.documents import Documents
from load.frames import LONGEST_HEADER, WHOLE, Frame, Opcode, extent
from load.reference import Event, Reading, Reference
from load.steps import Place, Step, Steps
from load.websocket import Address, Listener, WebSocket, memory


class Follower(Listener, Protocol):
    """`text` is told of messages that hold anything but events.

    `highest`: the last offset that it knows, None before its subscription stands.
    """

    @property
    def highest(self) -> int | None: ...

    def events(self, payload: bytes) -> Sequence[Event] | None:
        """Those of a message; None when it holds anything else."""

    def take(self, events: Sequence[Event], received: int, *, rising: bool) -> None:
        """They came, in this order; `rising`: each offset is higher than the one before."""


class FollowingSocket(WebSocket):
    """`_position`: how much of the reference it was sent; None while it was sent something else.

    `_frames.rest`, the beginning of a frame, stands behind the position. `_seen`: the events of
    what is being read; None once it holds anything that others may not follow.
    """

    def __init__(
        self,
        address: Address,
        follower: Follower,
        reference: Reference,
        documents: Documents,
        steps: Steps,
    ) -> None:
        super().__init__(address, follower)
        self._follower = follower
        self._reference = reference
        self._documents = documents
        self._steps = steps
        self._position: int | None = None
        self._place: Place = None
        self._seen: list[Event] | None = None
        reference.readers.add(self)

    def leave(self, begin: int) -> None:
        """Takes along what came of the frame in which it stands; no step leads back there."""
        self._steps.forget()
        if self._position is None or self._position >= begin:
            return
        _, part = self._reference.frame_part(self._position)
        self._position, self._place, self._frames.rest = None, None, part + self._frames.rest

    def buffer_updated(self, nbytes: int) -> None:
        step = self._steps.known.get((self._place, nbytes))
        if step is None or not memory.startswith(step.data):
            self._look_into(nbytes)
            return
        self._place, self._position = step.place, step.position
        if step.events:
            self._follower.take(step.events, time_ns() // 1000, rising=True)

    def _look_into(self, nbytes: int) -> None:
        begin, self._seen = self._place, []
        super().buffer_updated(nbytes)
        self._place = self._find_out_place()
        if begin is not None and self._place is not None and self._seen is not None:
            data = bytes(memory[:nbytes])
            self._steps.keep(begin, Step(data, self._place, self._position, self._seen))

    def _find_out_place(self) -> Place:
        """Unknown after a message of another kind, too: a part of an event it may be."""
        highest = self._follower.highest
        if highest is None or self._seen is None or not self.is_between_messages:
            return None
        inside = self._position is not None and self._position != self._reference.after(highest)
        return highest, cast("int", self._position) if inside else -1

    def _tell(self, events: Sequence[Event], received: int, *, rising: bool) -> None:
        if not rising or (self._seen and events[0].offset <= self._seen[-1].offset):
            self._seen = None
        elif self._seen is not None:
            self._seen += events
        self._follower.take(events, received, rising=rising)

    def _hand_on(self, frame: Frame, received: int) -> None:
        self._seen = None
        super()._hand_on(frame, received)

    def _take(self, data: memoryview, received: int) -> None:
        if self._frames.rest or self._position is None:
            self._read(data, received)
            return
        known = data[: self._reference.end - self._position]
        if not self._reference.holds(known, self._position):
            self._position, part = self._reference.frame_part(self._position)
            self._read(memoryview(part + data), received)
            return
        self._go_on(self._position + len(known), received)
        if len(known) < len(data):
            self._read(data[len(known) :], received)

    def _go_on(self, position: int, received: int) -> None:
        """The reference up to the position came; the one before is known."""
        events = self._reference.between(cast("int", self._position), position)
        self._position = position
        if events:
            self._tell(events, received, rising=True)

    def _read(self, data: memoryview, received: int) -> None:
        """Frame by frame, from the beginning of one."""
        if self._frames.rest:
            data, self._frames.rest = memoryview(self._frames.rest + data), b""
        while data and (size := self._read_known(data, received)):
            data = data[size:]
        if data:
            for frame in self._frames.feed(bytes(data)):
                self._read_one(frame, received)
        self._find_place()

    def _read_known(self, data: memoryview, received: int) -> int:
        """The size of the first frame if its texts were sent to others before, else 0."""
        highest = self._follower.highest
        if highest is None or len(data) < LONGEST_HEADER or data[0] not in WHOLE:
            return 0
        begin, end = extent(data, 0, len(data))
        if end > len(data):
            return 0
        events = self._documents.read(data[begin:end], highest)
        if events is None or self._is_next(data[:end]):
            return 0
        self._position = None
        self._tell(events, received, rising=True)
        return end

    def _is_next(self, frame: memoryview) -> bool:
        """Whether the others were sent it as a whole: then there is no need to leave them."""
        return self._position is not None and self._reference.holds(frame, self._position)

    def _find_place(self) -> None:
        """Back among the others, if what comes next may be what they were sent."""
        highest = self._follower.highest
        if self._position is None and highest is not None:
            self._position = self._reference.after(highest)
        rest, position = self._frames.rest, self._position
        if rest and position is not None and self._reference.holds(rest, position):
            self._position, self._frames.rest = position + len(rest), b""

    def _read_one(self, frame: Frame, received: int) -> None:
        position, reference = self._position, self._reference
        if position is not None and reference.holds(frame.raw, position):
            self._go_on(position + len(frame.raw), received)
            return
        reading = reference.read(frame.raw) or self._reading(frame)
        if reading is None:
            self._hand_on(frame, received)
            return
        new = position == reference.end and reference.extend(reading)
        self._position = reference.end if new else None
        self._tell(reading.events, received, rising=reading.rising)

    def _reading(self, frame: Frame) -> Reading | None:
        payload = frame.payload
        events = self._follower.events(payload) if frame.opcode <= Opcode.BINARY else None
        if events is None:
            return None
        self._documents.extend(payload, events)
        reading = Reading(frame.raw, events)
        if frame.joined is None:
            self._reference.note(reading)
        return reading
