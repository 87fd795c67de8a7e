"""Lag: the furthest of thousands, found in slices, by a clock that each look moves on."""

import pytest

from app.realtime.fanout.lag import SLICE_SECONDS, Lag
from app.realtime.fanout.subscription import Subscription
from tests.realtime.keepers import a_connection, a_subscription, write
from tests.realtime.recording import RecordingTransport

PER_SLICE = 4


class Crowd:
    """Clients that do not read; the nth is nth events behind."""

    def __init__(self, size: int) -> None:
        self._asked = 0
        self.lag = Lag(self._time)
        self.subscriptions = [self._blocked(events) for events in range(1, size + 1)]

    def measure(self, times: int) -> list[int]:
        return [self.lag.measure() for _ in range(times)]

    def _blocked(self, events: int) -> Subscription:
        connection = a_connection(RecordingTransport(writable=False))
        subscription = a_subscription(connection, "a")
        write(subscription, events)
        self.lag.add(connection)
        return subscription

    def _time(self) -> float:
        self._asked += 1
        return self._asked * SLICE_SECONDS / (PER_SLICE + 0.5)


def test_few_are_all_looked_at_in_one_slice() -> None:
    crowd = Crowd(PER_SLICE - 1)
    assert crowd.measure(2) == [PER_SLICE - 1] * 2


def test_of_many_only_some_are_looked_at_in_a_slice_and_all_in_a_round() -> None:
    crowd = Crowd(3 * PER_SLICE)
    furthest = crowd.measure(1)
    assert len(crowd.lag._round) == 2 * PER_SLICE
    furthest += crowd.measure(2)
    assert furthest == sorted(furthest)
    assert len(crowd.lag._round) == 0
    assert furthest[-1] == 3 * PER_SLICE


def test_the_last_round_counts_until_the_next_is_complete() -> None:
    crowd = Crowd(3 * PER_SLICE)
    crowd.measure(3)
    for subscription in crowd.subscriptions:
        subscription.cursor = subscription.log.head
    assert crowd.measure(3) == [3 * PER_SLICE, 3 * PER_SLICE, 0]
    assert crowd.lag._behind == set()


def test_what_is_further_than_all_before_is_told_as_soon_as_it_is_seen() -> None:
    crowd = Crowd(3 * PER_SLICE)
    crowd.measure(3)
    for subscription in crowd.subscriptions:
        write(subscription, 100)
    assert crowd.measure(1)[0] > 100


@pytest.mark.parametrize("size", [1, 2 * PER_SLICE])
def test_who_is_over_counts_no_more_once_a_round_is_complete(size: int) -> None:
    crowd = Crowd(size)
    crowd.measure(1)
    for subscription in crowd.subscriptions:
        crowd.lag.discard(subscription.connection)
    crowd.measure(2 * size)
    assert crowd.measure(1) == [0]
