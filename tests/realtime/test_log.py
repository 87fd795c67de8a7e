"""ChannelLog: what it keeps, what it drops, and the bytes that it makes."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.realtime.log import BATCH_BYTES, MAX_AHEAD, ChannelLog, Entry, Segment, contiguous
from app.realtime.protocol import publication_push

CHANNEL = "orders:0198c4f0-7d2e-7000-8000-000000000001"
AT = 1_700_000_000.0


def payload(offset: int, size: int = 0) -> bytes:
    return b'{"n":%d,"fill":"%b"}' % (offset, b"x" * size)


def entry(offset: int, size: int = 0) -> Entry:
    return Entry(offset, AT, payload(offset, size))


def entries(first: int, last: int, size: int = 0) -> list[Entry]:
    return [entry(offset, size) for offset in range(first, last + 1)]


def a_log(head: int = 0, *, max_bytes: int = 1_000_000, max_events: int = 10_000) -> ChannelLog:
    log = ChannelLog(CHANNEL, max_bytes, max_events)
    log.start(head)
    return log


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


def test_an_empty_ring_holds_what_follows_its_head_only() -> None:
    log = a_log(5)
    assert (log.holds(5), log.holds(4)) == (True, False)


# -------------------------------------------------------------------- frames


@pytest.mark.parametrize("document", ['{"a":1}', '{"text":"Æ \\" \\\\ \\n €"}', "[1.5,null]"])
def test_a_frame_is_the_push_that_the_protocol_describes(document: str) -> None:
    log = a_log(6)
    log.append([Entry(7, AT, document.encode())])
    frame = log.after(6).data
    assert json.loads(frame) == json.loads(publication_push(CHANNEL, 7, document.encode()))


def test_a_frame_is_the_protocols_own_encoding_byte_for_byte() -> None:
    log = a_log(6)
    log.append([Entry(7, AT, b'{"a":1}')])
    expected = b'{"push":{"channel":"%b","pub":{"data":{"a":1},"offset":7}}}' % CHANNEL.encode()
    assert log.after(6).data == expected == publication_push(CHANNEL, 7, b'{"a":1}')


def test_a_payload_is_framed_once() -> None:
    log = a_log()
    log.append([entry(1)])
    (only,) = log.since(0)
    assert log.frame(only) is log.frame(only)


# ------------------------------------------------------------------- batches


def test_a_batch_is_everything_after_the_cursor_a_line_each() -> None:
    log = a_log()
    log.append(entries(1, 5))
    batch = log.after(2)
    assert [json.loads(line)["push"]["pub"]["offset"] for line in batch.data.split(b"\n")] == [
        3,
        4,
        5,
    ]
    assert (batch.upto, batch.count) == (5, 3)


def test_equal_cursors_share_the_same_bytes() -> None:
    log = a_log()
    log.append(entries(1, 5))
    assert log.after(2) is log.after(2)


def test_news_makes_new_batches() -> None:
    log = a_log()
    log.append(entries(1, 2))
    assert log.after(0).upto == 2
    log.append([entry(3)])
    assert log.after(0).upto == 3


def test_a_batch_is_at_most_64_kib_and_the_next_goes_on_after_it() -> None:
    log = a_log()
    log.append(entries(1, 300, 1_000))
    cursor, sizes = 0, []
    while cursor < log.head:
        batch = log.after(cursor)
        assert batch.upto - cursor == batch.count
        sizes.append(len(batch.data))
        cursor = batch.upto
    assert max(sizes) <= BATCH_BYTES
    assert min(sizes[:-1]) > BATCH_BYTES - 1_200


def test_an_event_larger_than_a_batch_goes_out_alone() -> None:
    log = a_log()
    log.append([entry(1), entry(2, BATCH_BYTES), entry(3)])
    assert [log.after(cursor).upto for cursor in (0, 1, 2)] == [1, 2, 3]


def test_many_different_cursors_do_not_fill_the_memory() -> None:
    log = a_log()
    log.append(entries(1, 1_000, 900))
    for cursor in range(1_000):
        log.after(cursor)
    assert sum(len(batch.data) for batch in log._joined.values()) <= 100 * BATCH_BYTES


# ------------------------------------------------------------------ segments


def test_a_segment_gives_what_follows_each_cursor_that_it_holds() -> None:
    log = a_log(100)
    segment = Segment(log, 10, entries(11, 13))
    assert [cursor for cursor in range(20) if segment.holds(cursor)] == [10, 11, 12]
    assert (segment.after(11).upto, segment.after(11).count) == (13, 2)
    assert segment.after(11) is segment.after(11)


def test_a_segment_makes_the_same_bytes_as_the_ring() -> None:
    log = a_log(10)
    log.append(entries(11, 13))
    assert Segment(log, 10, entries(11, 13)).after(10).data == log.after(10).data


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
