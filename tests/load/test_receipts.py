"""Latencies of what the connections of a process received."""

import pytest

from load.receipts import FEW, Receipts
from load.reference import Event

NOW = 1_800_000_000_000_000


def receipts(measure_from: int = 0) -> Receipts:
    made = Receipts()
    made.measure_from = measure_from
    return made


def events(count: int, at: int = NOW) -> list[Event]:
    return [Event(nth + 1, at) for nth in range(count)]


def test_a_few_events_are_timed_one_by_one_within_a_short_tick() -> None:
    found = receipts()
    found.note([Event(1, NOW), Event(2, NOW + 50)], NOW + 200)
    assert found.latencies.count == 0
    found.settle()
    assert 150 <= (found.latencies.percentile(50) or 0) < 150 + 32
    assert 200 <= (found.latencies.percentile(100) or 0) < 200 + 32
    assert (found.deliveries, found.last) == (2, NOW + 200)


def test_many_at_once_are_timed_within_a_tick_and_never_too_low() -> None:
    found = receipts()
    for nth in range(3):
        found.note(events(FEW + 8), NOW + 10_000 + nth)
    assert found.latencies.count == 0
    found.settle()
    assert found.latencies.count == 3 * (FEW + 8)
    median = found.latencies.percentile(50)
    assert median
    assert median * 1.004 >= 10_000
    assert median <= 10_000 + 2 * 512


@pytest.mark.parametrize("count", [5, 6, 7, 11, 12, 13, 500])
def test_each_of_many_counts_once(count: int) -> None:
    found = receipts()
    found.note(events(count), NOW)
    found.settle()
    assert found.latencies.count == found.deliveries == count


def test_older_events_are_delivered_but_not_timed() -> None:
    found = receipts(measure_from=NOW + 1)
    found.note(events(2), NOW + 100)
    found.note([Event(3, NOW), Event(4, NOW + 1)], NOW + 100)
    found.settle()
    assert (found.deliveries, found.latencies.count) == (4, 1)


def test_the_next_measurement_begins_with_nothing_and_is_not_on_yet() -> None:
    found = receipts()
    found.note(events(9), NOW)
    found.restart()
    found.note(events(1), NOW)
    assert (found.latencies.count, found.last) == (0, 0)
    assert found.deliveries == 10


def test_the_same_offset_on_another_channel_has_its_own_age() -> None:
    found = receipts()
    found.note([Event(17, NOW)], NOW + 1_000)
    found.note([Event(17, NOW - 2_000_000)], NOW + 1_000)
    found.settle()
    assert found.latencies.largest >= 2_000_000
    assert (found.latencies.percentile(50) or 0) < 2_000
