"""Connection: what it knows of its own backlog, and what it does not keep for later."""

import pytest

from app.realtime.fanout.connection import PUMP_BYTES, Connection
from app.realtime.fanout.timing import Timing
from app.realtime.wire.batches import BATCH_BYTES
from app.realtime.wire.codes import CloseCode
from app.realtime.wire.frames import Message
from tests.realtime.keepers import Keeping, a_connection, a_subscription, write
from tests.realtime.recording import OneMessage, RecordingTransport

ANSWER = b'{"id":1,"unsubscribe":{}}'
SIGNAL = Message(b'{"push":{"channel":"a","pub":{"data":{}}}}', shared=True)


class Queue(Keeping):
    """Those who wait for their turn."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Connection] = []

    def unblocked(self, connection: Connection) -> None:
        self.waiting.append(connection)


# -------------------------------------------------------------- soon or never


def test_what_is_not_worth_waiting_for_is_written_while_that_is_possible() -> None:
    transport = RecordingTransport()
    a_connection(transport).tell_soon_or_never([SIGNAL])
    assert transport.messages == [SIGNAL]


def test_what_is_not_worth_waiting_for_is_dropped_while_the_transport_is_paused() -> None:
    transport = RecordingTransport(writable=False)
    connection = a_connection(transport)
    connection.tell_soon_or_never([SIGNAL])
    transport.writable = True
    connection.pump()
    assert transport.sent == []
    assert not connection.is_behind


def test_who_was_disconnected_is_told_nothing_more() -> None:
    transport = RecordingTransport()
    connection = a_connection(transport)
    connection.close(CloseCode.SHUTDOWN)
    connection.tell_soon_or_never([SIGNAL])
    assert (transport.sent, connection.is_behind) == ([], False)


def test_what_has_gathered_goes_out_in_messages_of_at_most_64_kib() -> None:
    transport = RecordingTransport(writable=False)
    connection = a_connection(transport)
    halves = [b"%d" % nth * (BATCH_BYTES // 2) for nth in range(3)]
    for half in halves:
        connection.tell_bytes(half[1:])
    transport.writable = True
    connection.pump()
    first, second, third = (half[1:] for half in halves)
    assert transport.sent == [first + b"\n" + second, third]


def test_who_reads_fast_is_given_so_much_and_the_rest_in_turn_with_others() -> None:
    keeper, transport = Queue(), RecordingTransport()
    connection = a_connection(transport, keeper)
    write(a_subscription(connection, "a"), 2 * PUMP_BYTES // 1_000, 1_000)
    connection.pump()
    assert PUMP_BYTES <= sum(map(len, transport.sent)) <= PUMP_BYTES + BATCH_BYTES
    assert keeper.waiting == [connection]
    while keeper.waiting:
        keeper.waiting.pop().pump()
    assert not connection.is_behind
    assert len(transport.publications("a")) == 2 * PUMP_BYTES // 1_000


# --------------------------------------------------------------------- blocked


def test_its_keeper_learns_that_something_waits_and_is_not_taken() -> None:
    keeper = Keeping()
    connection = a_connection(RecordingTransport(writable=False), keeper)
    connection.pump()
    assert keeper.blocks == []
    connection.tell_bytes(ANSWER)
    assert keeper.blocks == [connection]


def test_events_that_wait_count_too() -> None:
    keeper = Keeping()
    connection = a_connection(RecordingTransport(writable=False), keeper)
    write(a_subscription(connection, "a"), 1)
    connection.pump()
    assert keeper.blocks == [connection]


def test_its_keeper_is_told_once_as_long_as_it_watches_the_backlog() -> None:
    keeper = Keeping()
    connection = a_connection(RecordingTransport(writable=False), keeper)
    connection.tell_bytes(ANSWER)
    connection.timing.stalled_by = 30.0
    connection.tell_bytes(ANSWER)
    connection.timing.stalled_by = None
    connection.pump()
    assert keeper.blocks == [connection] * 2


def test_a_connection_that_is_over_is_blocked_by_nothing() -> None:
    keeper = Keeping()
    connection = a_connection(RecordingTransport(writable=False), keeper)
    write(a_subscription(connection, "a"), 1)
    connection.close(CloseCode.STALLED)
    connection.pump()
    assert keeper.blocks == []


# ------------------------------------------------------------- batches, behind


def test_a_flush_may_write_directly_only_while_nothing_else_waits() -> None:
    transport = RecordingTransport()
    connection = a_connection(transport)
    assert connection.takes_batches
    transport.writable = False
    assert not connection.takes_batches
    connection.tell_bytes(ANSWER)
    transport.writable = True
    assert not connection.takes_batches
    connection.pump()
    assert connection.takes_batches
    connection.close(CloseCode.SHUTDOWN)
    assert not connection.takes_batches


def test_it_is_behind_while_answers_or_events_wait() -> None:
    transport = RecordingTransport(writable=False)
    connection = a_connection(transport)
    subscription = a_subscription(connection, "a")
    assert not connection.is_behind
    write(subscription, 1)
    assert connection.is_behind
    subscription.suspended = True
    assert not connection.is_behind
    connection.tell_bytes(ANSWER)
    assert connection.is_behind


def test_its_lag_is_that_of_its_furthest_cursor() -> None:
    connection = a_connection(RecordingTransport(writable=False))
    assert connection.lag == 0
    write(a_subscription(connection, "a"), 3)
    write(a_subscription(connection, "b", cursor=2), 9)
    assert connection.lag == 7


def test_a_cursor_ahead_of_the_head_is_no_lag() -> None:
    connection = a_connection(RecordingTransport())
    a_subscription(connection, "a", cursor=5)
    assert connection.lag == 0


@pytest.mark.parametrize(
    ("timing", "following"),
    [
        (Timing(), None),
        (Timing(connect_by=3.0), 3.0),
        (Timing(next_ping=9.0, pong_by=4.0, refresh_by=7.0), 4.0),
        (Timing(next_ping=9.0, stalled_by=2.0), 2.0),
    ],
)
def test_the_next_moment_is_the_earliest(timing: Timing, following: float | None) -> None:
    assert timing.next == following


# --------------------------------------------------------------------- resumed


class Unhurried(Keeping):
    """Serves nobody yet."""

    def unblocked(self, connection: Connection) -> None:
        self.unblocks.append(connection)

    def __init__(self) -> None:
        super().__init__()
        self.unblocks: list[Connection] = []


def test_answers_leave_at_once_when_the_transport_takes_more() -> None:
    """Events when others are served, too: cursors come together again."""
    transport, keeper = RecordingTransport(writable=False), Unhurried()
    connection = a_connection(transport, keeper)
    connection.tell_bytes(ANSWER)
    connection.tell_bytes(ANSWER)
    write(a_subscription(connection, "a"), 1)
    transport.writable = True
    connection.resume()
    assert transport.sent == [ANSWER + b"\n" + ANSWER]
    assert keeper.unblocks == [connection]


def told_much(transport: RecordingTransport, keeper: Keeping) -> Connection:
    """Paused, with what two make a message of."""
    transport.writable = False
    connection = a_connection(transport, keeper)
    for nth in range(6):
        connection.tell_bytes(b"%d" % nth * (BATCH_BYTES * 2 // 5))
    return connection


def test_what_gathered_while_it_was_paused_leaves_in_messages_of_at_most_64_kib() -> None:
    transport = RecordingTransport()
    connection = told_much(transport, Unhurried())
    transport.writable = True
    connection.resume()
    assert [each[:1] + each[-1:] for each in transport.sent] == [b"01", b"23", b"45"]
    assert max(map(len, transport.sent)) <= BATCH_BYTES
    assert not connection.is_behind


def test_its_last_words_are_messages_of_at_most_64_kib_too() -> None:
    transport = RecordingTransport()
    told_much(transport, Unhurried()).close(CloseCode.SHUTDOWN)
    assert [each[:1] + each[-1:] for each in transport.sent] == [b"01", b"23", b"45"]
    assert max(map(len, transport.sent)) <= BATCH_BYTES
    assert transport.closed == (3001, "shutdown")


def test_what_gathered_waits_again_as_soon_as_the_transport_is_paused() -> None:
    transport, keeper = OneMessage(), Unhurried()
    connection = told_much(transport, keeper)
    for taken in range(1, 4):
        transport.writable = True
        connection.resume()
        assert len(transport.sent) == taken
    assert keeper.unblocks == [connection] * 2
