"""Where the events of a run come from: the port, and the pace that most sources keep."""

import asyncio
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from load.interruption import pause

TICK_SECONDS = 0.001
MOST_AT_ONCE = 500
"""A source that fell behind its rate catches up in pieces."""


class Source(Protocol):
    """Makes events of one channel, numbered without a hole."""

    async def head(self) -> int:
        """The offset of the last event so far."""
        ...

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        """Make `rate` events a second for so long, or until `stop`."""
        ...

    async def settle(self, seconds: float) -> int:
        """The offset of the last event that was made, at most so long after: see `drain`."""
        ...

    @property
    def failures(self) -> str:
        """What could not be made, in a few words; empty if nothing failed."""
        ...


@dataclass
class Made:
    """One event to be published: its offset and its JSON without one. `at`: seconds since 1970."""

    offset: int
    at: float
    payload: bytes

    @property
    def numbered(self) -> bytes:
        """With the offset as its last field, for peers that number nothing themselves."""
        return b'%b,"offset":%d}' % (self.payload[:-1], self.offset)


class Paced(ABC):
    """A Source that publishes what is due every millisecond, in one go.

    The first is due at once, the last one pace before the end: the next run's first follows it as
    any other. What it could not make in time it does not make later, and `head` tells.

    `at` is when an event was due, to the millisecond, not when it was made: whoever would have been
    told by then waits for a source that fell behind, as for a server. (Events that a server makes,
    as in Rest, have its time.)
    """

    failures = ""

    def __init__(self, head: int = 0) -> None:
        self._offset = head

    @abstractmethod
    async def publish(self, events: list[Made]) -> None:
        """Raises OSError or a TimeoutError when that is not possible."""

    async def head(self) -> int:
        return self._offset

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        begin, begun_at = time.perf_counter(), time.time()
        made, whole = 0, int(seconds * rate)
        while not stop.is_set():
            passed = time.perf_counter() - begin
            due = min(int(passed * rate) + 1, whole) - made
            if due > 0:
                events = self._make(min(due, MOST_AT_ONCE), rate, first_at=begun_at + made / rate)
                made += len(events)
                await self.publish(events)
            if passed >= seconds:
                return
            await _sleep(max(TICK_SECONDS, min(made / rate, seconds) - passed), stop)

    def go_on_after(self, offset: int) -> None:
        """The next event is the one after it: what subscribers were told they have."""
        self._offset = offset

    async def settle(self, seconds: float) -> int:  # noqa: ARG002 - the port
        return self._offset

    def _make(self, count: int, rate: float, *, first_at: float) -> list[Made]:
        """The first was due at `first_at`, Unix time. Those of a millisecond share the time, and so
        the JSON, of the first of them, which costs next to nothing.
        """
        first = self._offset + 1
        self._offset += count
        together, made = max(1, int(rate * TICK_SECONDS)), []
        for begin in range(0, count, together):
            at = first_at + begin / rate
            payload, end = event(at), min(begin + together, count)
            made += [Made(first + nth, at, payload) for nth in range(begin, end)]
        return made


_EVENT = (
    '{{"type":"order.updated","id":"0199f2c4-7f3a-7c21-9d4e-52f1c0a7b001","at":"{at}",'
    '"actor":{{"id":"0199f2c4-7f3a-7c21-9d4e-52f1c0a7b002","name":"Sam Staff"}},"version":3,'
    '"changed":{{"status":["accepted","preparing"]}},'
    '"order":{{"number":10248,"status":"preparing","currency":"EUR","total":"440.00","version":3}}}}'
)


def event(at: float) -> bytes:
    """An event's JSON of about 330 bytes, without an offset. `at`: seconds since 1970."""
    told = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    return _EVENT.format(at=told.replace("+00:00", "Z")).encode()


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    """Not beyond `stop`; short pauses, which is most of them, without a task."""
    if seconds < 0.05:  # noqa: PLR2004 - hardly noticed by whoever presses Ctrl-C
        await asyncio.sleep(seconds)
        return
    await pause(seconds, stop)
