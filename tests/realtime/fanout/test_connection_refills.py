"""Connection: of many cursors that fell off their rings, which are read for, and when."""

from app.realtime.fanout.connection import REFILLS, Connection
from app.realtime.fanout.subscription import Subscription
from app.realtime.log.channel_log import Segment
from app.realtime.wire.batches import BATCH_BYTES
from tests.realtime.keepers import Keeping, a_connection, a_subscription, write
from tests.realtime.logs import entries
from tests.realtime.recording import RecordingTransport

EVENTS = 8
RING = 2
LARGE = BATCH_BYTES


class Behind:
    """A connection that follows many channels, and needs a refill in each."""

    def __init__(self, channels: int) -> None:
        self.transport = RecordingTransport()
        self.keeper = Keeping()
        self.connection = a_connection(self.transport, self.keeper)
        self.subscriptions = [fallen(self.connection, str(nth)) for nth in range(channels)]

    @property
    def asked(self) -> list[str]:
        return [one.channel for one in self.keeper.refills]

    def answer(self, one: Subscription, *, size: int = 0) -> None:
        """All that lies after its cursor was read, and it is looked at again."""
        one.refilling = False
        one.segment = Segment(one.log, one.cursor, entries(one.cursor + 1, one.log.head, size))
        self.connection.pump()

    def offsets(self, one: Subscription) -> list[int]:
        return [pub["offset"] for pub in self.transport.publications(one.channel)]


def fallen(connection: Connection, name: str) -> Subscription:
    subscription = a_subscription(connection, name, events=RING)
    write(subscription, EVENTS)
    return subscription


def test_few_are_read_for_at_once() -> None:
    behind = Behind(20)
    for _ in range(3):
        behind.connection.pump()
    assert behind.asked == ["0", "1"]
    assert len(behind.asked) == REFILLS


def test_each_is_read_for_in_its_turn() -> None:
    behind = Behind(20)
    behind.connection.pump()
    for nth in range(20):
        behind.answer(behind.keeper.refills[nth])
    assert behind.asked == [str(nth) for nth in range(20)]
    assert all(behind.offsets(one) == list(range(1, EVENTS + 1)) for one in behind.subscriptions)


def test_nothing_more_is_read_until_what_was_read_is_written() -> None:
    behind = Behind(20)
    behind.connection.pump()
    behind.transport.writable = False
    first, second = behind.keeper.refills
    behind.answer(first, size=LARGE)
    behind.answer(second, size=LARGE)
    assert len(behind.asked) == REFILLS
    behind.transport.writable = True
    behind.connection.pump()
    assert len(behind.asked) == 2 * REFILLS
    assert behind.offsets(first) == behind.offsets(second) == list(range(1, EVENTS + 1))


def test_who_falls_off_again_and_again_leaves_the_others_their_turn() -> None:
    behind = Behind(5)
    behind.connection.pump()
    for nth in range(20):
        one = behind.keeper.refills[nth]
        behind.answer(one, size=LARGE)
        write(one, EVENTS)
    assert {behind.asked.count(one.channel) for one in behind.subscriptions} <= {4, 5}


def test_what_was_read_and_does_not_serve_it_is_read_again() -> None:
    behind = Behind(20)
    behind.connection.pump()
    first = behind.keeper.refills[0]
    first.refilling, first.segment = False, Segment(first.log, EVENTS, ())
    behind.connection.pump()
    assert behind.asked == ["0", "1", "0"]


def test_who_has_ended_leaves_its_place_to_the_next() -> None:
    behind = Behind(20)
    behind.connection.pump()
    first = behind.keeper.refills[0]
    first.ended = True
    del behind.connection.subscriptions[first.channel]
    behind.connection.pump()
    assert behind.asked == ["0", "1", "2"]


def test_who_is_suspended_is_given_the_rest_afterwards_and_then_others_are_read_for() -> None:
    behind = Behind(20)
    behind.connection.pump()
    first = behind.keeper.refills[0]
    first.suspended = True
    behind.answer(first)
    assert (behind.offsets(first), behind.asked) == ([], ["0", "1"])
    first.suspended = False
    behind.connection.pump()
    assert behind.offsets(first) == list(range(1, EVENTS + 1))
    assert behind.asked == ["0", "1", "2"]
