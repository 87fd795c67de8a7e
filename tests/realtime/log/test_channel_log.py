"""ChannelLog: what it keeps and what it drops."""

import random

from hypothesis import given
from hypothesis import strategies as st

from app.realtime.log.channel_log import MAX_AHEAD, ChannelLog, contiguous
from app.realtime.wire.batches import Entry
from tests.realtime.logs import AT, CHANNEL, a_log, entries, entry, payload


def held(log: ChannelLog) -> list[int]:
    return [each.offset for each in log.since(log.first - 1)]


# ------------------------------------------------------------------ arriving


def test_what_continues_the_log_is_appended() -> None:
    log = a_log(4)
    assert log.append(entries(5, 7)) == 3
    assert (log.head, log.target, held(log)) == (7, 7, [5, 6, 7])
    assert not log.is_behind


def test_a_repeated_event_is_dropped() -> None:
    log = a_log()
    log.append(entries(1, 3))
    assert log.append([Entry(2, AT, b'{"other":true}')]) == 0
    assert [each.payload for each in log.since(1)] == [payload(2), payload(3)]


def test_a_message_that_overlaps_brings_only_its_new_events() -> None:
    log = a_log()
    log.append(entries(1, 3))
    assert log.append(entries(2, 5)) == 2
    assert held(log) == [1, 2, 3, 4, 5]


def test_what_lies_beyond_a_hole_waits_and_raises_the_target() -> None:
    log = a_log(1)
    assert log.append(entries(3, 4)) == 0
    assert (log.head, log.target, log.is_behind) == (1, 4, True)


def test_what_waited_follows_once_the_hole_is_filled() -> None:
    log = a_log(1)
    log.append(entries(3, 4))
    assert log.append([entry(2)]) == 3
    assert (held(log), log.is_behind) == ([2, 3, 4], False)


def test_before_the_head_is_known_everything_waits() -> None:
    log = ChannelLog(CHANNEL, 1000, 1000)
    assert log.append(entries(1, 5)) == 0
    assert not log.is_behind
    log.start(3)
    assert (held(log), log.head) == ([4, 5], 5)


def test_a_head_beyond_all_that_waited_starts_an_empty_ring() -> None:
    log = ChannelLog(CHANNEL, 1000, 1000)
    log.append(entries(1, 2))
    log.start(9)
    assert (held(log), log.first, log.head, log.target) == ([], 10, 9, 9)


def test_a_known_target_survives_the_start() -> None:
    log = ChannelLog(CHANNEL, 1000, 1000)
    log.target = 12
    log.start(9)
    assert log.is_behind


def test_a_repair_goes_on_when_as_much_waits_as_may() -> None:
    log = a_log()
    log.append(entries(2, MAX_AHEAD + 10))
    assert log.append(entries(1, 500)) == MAX_AHEAD + 1
    assert log.append(entries(log.head + 1, MAX_AHEAD + 10)) == 9


# ---------------------------------------------------------------------- ring


def test_the_ring_is_bounded_by_events() -> None:
    log = a_log(max_events=3)
    log.append(entries(1, 10))
    assert (held(log), log.first) == ([8, 9, 10], 8)


def test_the_ring_is_bounded_by_bytes() -> None:
    size = len(payload(1, 100))
    log = a_log(max_bytes=3 * size)
    log.append(entries(1, 9, 100))
    assert held(log) == [7, 8, 9]
    assert log.size == 3 * size


def test_an_event_larger_than_the_ring_still_fits_alone() -> None:
    log = a_log(max_bytes=100)
    log.append([entry(1), entry(2, 5_000)])
    assert held(log) == [2]
    log.append([entry(3)])
    assert (held(log), log.size) == ([3], len(payload(3)))


def test_the_ring_holds_what_follows_a_cursor_up_to_its_first_event() -> None:
    log = a_log(max_events=3)
    log.append(entries(1, 10))
    assert [cursor for cursor in range(11) if log.holds(cursor)] == [7, 8, 9, 10]


def test_the_ring_gives_what_it_holds_however_often_it_has_moved() -> None:
    log = a_log(max_events=20)
    for last in range(5, 500, 5):
        log.append(entries(last - 4, last))
        first = max(1, last - 19)
        assert (log.first, held(log)) == (first, list(range(first, last + 1)))
        assert [each.offset for each in log.since(last - 3)] == [last - 2, last - 1, last]
        assert log.size == sum(len(each.payload) for each in log.since(0))


def test_what_the_ring_has_dropped_is_let_go_soon() -> None:
    log = a_log(max_events=100)
    log.append(entries(1, 10_000))
    assert len(log._entries) <= 130


def test_the_ring_knows_from_where_the_log_can_be_read() -> None:
    log = ChannelLog(CHANNEL, 1000, 1000)
    log.start(9, floor=4)
    assert log.floor == 4


def test_an_empty_ring_holds_what_follows_its_head_only() -> None:
    log = a_log(5)
    assert (log.holds(5), log.holds(4)) == (True, False)


# ----------------------------------------------------------------- contiguity


def test_only_rows_that_follow_one_another_from_the_cursor_are_contiguous() -> None:
    assert contiguous(3, entries(4, 6))
    assert contiguous(3, [])
    assert not contiguous(3, entries(5, 6))
    assert not contiguous(3, [entry(4), entry(6)])
    assert not contiguous(3, [entry(4), entry(4)])


# ---------------------------------------------------------------- everything


@given(st.data())
def test_any_loss_repeat_and_disorder_with_repair_gives_exactly_the_log(
    data: st.DataObject,
) -> None:
    head = data.draw(st.integers(0, 5), label="head when it was started")
    last = data.draw(st.integers(head, 40), label="events there are")
    messages = data.draw(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 8))))
    early = data.draw(st.integers(0, len(messages)), label="messages before the head was known")
    log = ChannelLog(CHANNEL, 1_000_000, 1_000_000)
    grown = 0
    for nth, (first, count) in enumerate(messages):
        if nth == early:
            log.start(head)
            grown = log.head - head
        grown += log.append(entries(first, min(last, first + count - 1)))
    if early == len(messages):
        log.start(head)
        grown = log.head - head
    log.target = max(log.target, last)
    while log.is_behind:  # repair: pieces of five, from the log itself
        grown += log.append(entries(log.head + 1, min(last, log.head + 5)))
    assert grown == last - head
    assert held(log) == list(range(head + 1, last + 1))
    assert [each.payload for each in log.since(head)] == [
        payload(offset) for offset in range(head + 1, last + 1)
    ]


def test_a_long_run_of_shuffled_pieces_gives_exactly_the_log() -> None:
    order = random.Random(7)
    pieces = [entries(first, first + 2) for first in range(1, 1_500, 3)] * 2
    order.shuffle(pieces)
    log = a_log()
    assert sum(log.append(piece) for piece in pieces) == 1_500
    assert held(log) == list(range(1, 1_501))
