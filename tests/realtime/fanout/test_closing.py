"""Closing: many connections end at once, and the loop goes on meanwhile."""

import asyncio

import pytest

from app.realtime.fanout.closing import Closing
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.flush import SLICE_SECONDS
from app.realtime.wire.codes import CloseCode
from tests.realtime.keepers import Keeping, a_connection, a_subscription, write
from tests.realtime.recording import RecordingTransport

ANSWER = b'{"id":1,"unsubscribe":{}}'
PER_SLICE = 5


class Watch:
    """A clock that the closes drive: so many of them fill a slice."""

    def __init__(self) -> None:
        self.now = 0.0


class Costly(RecordingTransport):
    """Its close takes time."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def close(self, code: int, reason: str) -> None:
        self._watch.now += 1.01 * SLICE_SECONDS / PER_SLICE
        super().close(code, reason)


class Crowd:
    """Connections that are to be closed."""

    def __init__(self, size: int) -> None:
        watch = Watch()
        self.closing = Closing(lambda: watch.now)
        self.transports = [Costly(watch) for _ in range(size)]
        self.connections = [a_connection(each, Keeping()) for each in self.transports]

    def close(self) -> None:
        self.closing.begin(self.connections, CloseCode.INSUFFICIENT_STATE)

    @property
    def ended(self) -> int:
        return sum(transport.closed is not None for transport in self.transports)

    @property
    def last(self) -> tuple[Connection, RecordingTransport]:
        return self.connections[-1], self.transports[-1]


async def test_many_are_closed_slice_by_slice() -> None:
    crowd = Crowd(3 * PER_SLICE)
    crowd.close()
    ended = [crowd.ended]
    for _ in range(2):
        await asyncio.sleep(0)
        ended.append(crowd.ended)
    assert ended == [PER_SLICE, 2 * PER_SLICE, 3 * PER_SLICE]
    assert {each.closed for each in crowd.transports} == {(3010, "insufficient state")}


async def test_who_waits_for_its_close_is_given_nothing_more() -> None:
    crowd = Crowd(2 * PER_SLICE)
    connection, transport = crowd.last
    subscription = a_subscription(connection, "a")
    crowd.close()
    write(subscription, 1)
    connection.pump()
    connection.tell_bytes(ANSWER)
    assert transport.closed is None
    assert not subscription.is_live
    assert not connection.takes_batches
    crowd.closing.finish()
    assert (transport.sent, subscription.cursor) == ([], 0)


async def test_what_was_said_before_is_sent_before_the_close() -> None:
    crowd = Crowd(2 * PER_SLICE)
    connection, transport = crowd.last
    connection.hold()
    connection.tell_bytes(ANSWER)
    crowd.close()
    crowd.closing.finish()
    assert transport.sent == [ANSWER]
    assert transport.closed == (3010, "insufficient state")


async def test_the_first_close_counts_although_it_is_yet_to_be_sent() -> None:
    crowd = Crowd(2 * PER_SLICE)
    connection, transport = crowd.last
    crowd.close()
    connection.close(CloseCode.SHUTDOWN)
    crowd.closing.begin([connection], CloseCode.SHUTDOWN)
    crowd.closing.finish()
    assert transport.closed == (3010, "insufficient state")


@pytest.mark.parametrize("size", [0, 1, 2 * PER_SLICE])
async def test_at_the_end_nobody_is_left_open(size: int) -> None:
    crowd = Crowd(size)
    crowd.close()
    crowd.closing.finish()
    await asyncio.sleep(0)
    assert crowd.ended == size
