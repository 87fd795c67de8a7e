"""Connection: what it writes next, on a transport that records."""

import json
from collections import Counter

import pytest

from app.realtime.connection import Connection, Subscription, Timing
from app.realtime.limits import TokenBucket
from app.realtime.log import BATCH_BYTES, ChannelLog, Entry, Segment
from app.realtime.protocol import CloseCode
from tests.realtime.recording import RecordingTransport

ANSWER = b'{"id":1,"unsubscribe":{}}'
MORE = b'{"id":2,"unsubscribe":{}}'


class Stage:
    """A connection, its transport, and the subscriptions for which it asked a refill."""

    def __init__(self, *, writable: bool = True) -> None:
        self.transport = RecordingTransport(writable=writable)
        self.refills: list[Subscription] = []
        bucket = TokenBucket(0, lambda: 0.0)
        self.connection = Connection(self.transport, bucket, self._on_refill)

    def _on_refill(self, connection: Connection, subscription: Subscription) -> None:
        assert connection is self.connection
        subscription.refilling = True
        self.refills.append(subscription)

    def subscribe(self, name: str, *, cursor: int = 0, events: int = 1_000) -> Subscription:
        log = ChannelLog(name, 10_000_000, events)
        log.start(0)
        subscription = Subscription(name, log, cursor)
        self.connection.subscriptions[name] = subscription
        return subscription

    def resume(self) -> None:
        self.transport.writable = True
        self.connection.pump()

    def received(self) -> list[tuple[str, int]]:
        """Channel and offset of every publication, in order."""
        return [
            (document["push"]["channel"], document["push"]["pub"]["offset"])
            for document in self.transport.documents
            if "push" in document
        ]


class OneMessage(RecordingTransport):
    """Takes one message, then is paused."""

    def send(self, message: bytes) -> None:
        super().send(message)
        self.writable = False


def write(subscription: Subscription, count: int, size: int = 0) -> None:
    log = subscription.log
    first = log.head + 1
    payload = b'{"fill":"%b"}' % (b"x" * size)
    log.append(Entry(offset, 0.0, payload) for offset in range(first, first + count))


def test_what_it_is_told_is_written_at_once() -> None:
    stage = Stage()
    stage.connection.tell(ANSWER)
    assert stage.transport.sent == [ANSWER]


def test_nothing_is_written_while_the_transport_is_paused() -> None:
    stage = Stage(writable=False)
    write(stage.subscribe("a"), 3)
    stage.connection.tell(ANSWER)
    stage.connection.pump()
    assert stage.transport.sent == []


def test_answers_come_before_publications_in_the_same_message() -> None:
    stage = Stage(writable=False)
    subscription = stage.subscribe("a")
    write(subscription, 2)
    stage.connection.tell(ANSWER)
    stage.connection.tell(MORE)
    stage.resume()
    assert stage.transport.sent[0].split(b"\n")[:2] == [ANSWER, MORE]
    assert stage.received() == [("a", 1), ("a", 2)]
    assert subscription.cursor == 2


def test_only_what_lies_after_the_cursor_is_written() -> None:
    stage = Stage()
    write(stage.subscribe("a", cursor=3), 5)
    stage.connection.pump()
    assert stage.received() == [("a", 4), ("a", 5)]


def test_a_cursor_ahead_of_the_head_waits_for_it() -> None:
    stage = Stage()
    subscription = stage.subscribe("a", cursor=3)
    write(subscription, 3)
    stage.connection.pump()
    assert stage.transport.sent == []
    write(subscription, 1)
    stage.connection.pump_one(subscription)
    assert stage.received() == [("a", 4)]


def test_the_hot_path_writes_the_logs_own_bytes() -> None:
    stage = Stage()
    subscription = stage.subscribe("a")
    write(subscription, 3)
    shared = subscription.log.after(0).data
    stage.connection.pump_one(subscription)
    assert stage.transport.sent[0] is shared


def test_the_hot_path_keeps_the_order_with_answers_that_wait() -> None:
    stage = Stage(writable=False)
    subscription = stage.subscribe("a")
    stage.connection.tell(ANSWER)
    write(subscription, 1)
    stage.transport.writable = True
    stage.connection.pump_one(subscription)
    assert [document.get("id") for document in stage.transport.documents] == [1, None]


def test_a_backlog_goes_out_in_messages_of_at_most_64_kib() -> None:
    stage = Stage(writable=False)
    for name in "abc":
        write(stage.subscribe(name), 200, 1_000)
    stage.connection.tell(ANSWER)
    stage.resume()
    assert max(map(len, stage.transport.sent)) <= BATCH_BYTES
    assert Counter(name for name, _offset in stage.received()) == {"a": 200, "b": 200, "c": 200}
    for name in "abc":
        assert [offset for each, offset in stage.received() if each == name] == list(range(1, 201))


def test_the_newline_between_an_answer_and_a_batch_counts() -> None:
    stage = Stage(writable=False)
    subscription = stage.subscribe("a")
    write(subscription, 1, 60_000)
    room = BATCH_BYTES - len(subscription.log.after(0).data)
    stage.connection.tell(b'{"id":%b}' % (b"1" * (room - len('{"id":}'))))
    stage.resume()
    assert len(stage.transport.sent) == 2


def test_channels_take_turns() -> None:
    stage = Stage()
    stage.transport = transport = OneMessage()
    stage.connection._transport = transport
    for name in "abc":
        write(stage.subscribe(name), 300, 1_000)
    served = []
    for _ in range(9):
        transport.writable = True
        stage.connection.pump()
        served.append(json.loads(transport.sent[-1].split(b"\n")[0])["push"]["channel"])
    assert Counter(served) == {"a": 3, "b": 3, "c": 3}


def test_small_batches_of_several_channels_share_a_message() -> None:
    stage = Stage(writable=False)
    for name in "abc":
        write(stage.subscribe(name), 2)
    stage.resume()
    assert len(stage.transport.sent) == 1
    assert len(stage.received()) == 6


def test_a_suspended_subscription_writes_nothing_until_it_is_resumed() -> None:
    stage = Stage()
    subscription = stage.subscribe("a")
    subscription.suspended = True
    write(subscription, 2)
    stage.connection.pump_one(subscription)
    stage.connection.pump()
    assert stage.transport.sent == []
    subscription.suspended = False
    stage.connection.pump()
    assert stage.received() == [("a", 1), ("a", 2)]


def test_a_cursor_that_fell_off_the_ring_asks_for_a_refill_once() -> None:
    stage = Stage()
    subscription = stage.subscribe("a", events=3)
    write(subscription, 10)
    stage.connection.pump()
    stage.connection.pump_one(subscription)
    assert stage.refills == [subscription]
    assert stage.transport.sent == []


def test_a_segment_is_written_and_the_ring_goes_on_from_it() -> None:
    stage = Stage()
    subscription = stage.subscribe("a", events=3)
    write(subscription, 10)
    log = subscription.log
    subscription.segment = Segment(log, 0, [Entry(n, 0.0, b"{}") for n in range(1, 9)])
    stage.connection.pump()
    assert [offset for _name, offset in stage.received()] == list(range(1, 11))
    assert subscription.segment is None
    assert stage.refills == []


def test_a_refill_of_one_channel_does_not_hold_up_another() -> None:
    stage = Stage()
    write(stage.subscribe("a", events=3), 10)
    write(stage.subscribe("b"), 2)
    stage.connection.pump()
    assert stage.received() == [("b", 1), ("b", 2)]


def test_a_close_still_sends_the_answers_that_wait() -> None:
    stage = Stage(writable=False)
    stage.connection.tell(ANSWER)
    stage.connection.tell(MORE)
    stage.connection.close(CloseCode.SHUTDOWN)
    assert stage.transport.sent == [ANSWER + b"\n" + MORE]
    assert stage.transport.closed == (3001, "shutdown")


def test_after_a_close_nothing_is_written() -> None:
    stage = Stage()
    subscription = stage.subscribe("a")
    stage.connection.close(CloseCode.SHUTDOWN)
    write(subscription, 1)
    stage.connection.tell(ANSWER)
    stage.connection.pump()
    stage.connection.pump_one(subscription)
    assert stage.transport.sent == []


def test_the_first_close_counts() -> None:
    stage = Stage()
    stage.connection.close(CloseCode.FORCED)
    stage.connection.close(CloseCode.SHUTDOWN)
    assert stage.transport.closed == (3503, "force disconnect")


@pytest.mark.parametrize(
    ("timing", "following"),
    [
        (Timing(), None),
        (Timing(connect_by=3.0), 3.0),
        (Timing(next_ping=9.0, pong_by=4.0, refresh_by=7.0), 4.0),
    ],
)
def test_the_next_moment_is_the_earliest(timing: Timing, following: float | None) -> None:
    assert timing.next == following
