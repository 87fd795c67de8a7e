"""What the rings of a worker hold together."""

import pytest

from app.core.config import Settings
from app.realtime.log.channel_log import ChannelLog
from app.realtime.log.rings import Rings
from app.realtime.wire.batches import JOINED_BYTES
from app.realtime.wire.codec import JSON
from tests.realtime.logs import entries, entry, kept_bytes, payload

SIZE = len(payload(1, 100))


@pytest.fixture
def rings(settings: Settings) -> Rings:
    """For ten events of SIZE."""
    return Rings(settings.model_copy(update={"ring_bytes": 5 * SIZE}), 10 * SIZE)


def grow(rings: Rings, log: ChannelLog, count: int) -> None:
    log.append(entries(log.head + 1, log.head + count, 100))
    rings.note(log)


def begun(rings: Rings, channel: str) -> ChannelLog:
    log = rings.make(channel)
    log.start(0)
    return log


def test_who_grew_longest_ago_gives_up_all_but_the_newest(rings: Rings) -> None:
    first, second, third = (begun(rings, name) for name in "abc")
    for log in (first, second, third, first):
        grow(rings, log, 3)
    assert (first.first, second.first, third.first) == (2, 3, 1)
    assert rings.size == first.size + third.size <= 10 * SIZE


def test_who_gave_up_its_events_counts_again_once_it_grows(rings: Rings) -> None:
    first, second, third = (begun(rings, name) for name in "abc")
    for log in (first, second, third, first):
        grow(rings, log, 3)
    rings.forget(third)
    grow(rings, second, 2)
    assert rings.size == first.size + second.size
    assert second.first == 3


def test_many_channels_hold_no_more_than_their_bound(rings: Rings) -> None:
    logs = [begun(rings, str(nth)) for nth in range(100)]
    for _ in range(4):
        for log in logs:
            grow(rings, log, 1)
        assert rings.size <= 10 * SIZE
    assert sum(log.size for log in logs) <= (10 + len(logs)) * SIZE
    assert all(log.head == 4 and log.holds(3) for log in logs)


def test_what_was_joined_of_many_channels_has_one_bound(rings: Rings) -> None:
    """Each event goes out by itself, as where little happens in each of them."""
    logs = [begun(rings, str(nth)) for nth in range(200)]
    for _ in range(16):
        for log in logs:
            log.append([entry(log.head + 1, 10_000)])
            rings.note(log)
            log.after(log.head - 1, JSON)
    held = sum(map(kept_bytes, {log.joined for log in logs}))
    assert JOINED_BYTES * 0.9 < held <= JOINED_BYTES


def test_what_is_used_no_more_does_not_count(rings: Rings) -> None:
    first, second = begun(rings, "a"), begun(rings, "b")
    grow(rings, first, 3)
    grow(rings, second, 3)
    rings.forget(first)
    assert rings.size == second.size
    rings.clear()
    assert rings.size == 0


def test_a_ring_of_its_own_bound_fits_in(settings: Settings) -> None:
    rings = Rings(settings.model_copy(update={"ring_bytes": 5 * SIZE}), SIZE)
    log = begun(rings, "a")
    grow(rings, log, 5)
    assert log.first == 1
