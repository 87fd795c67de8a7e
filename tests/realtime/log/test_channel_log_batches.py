"""ChannelLog and Segment: the messages that they make, once for all cursors that are equal."""

import json

import pytest

from app.realtime.log.channel_log import Segment
from app.realtime.wire.batches import BATCH_BYTES, JOINED_BYTES, Entry, Joined
from app.realtime.wire.codec import JSON, JsonCodec
from app.realtime.wire.frames import Opcode
from tests.realtime.logs import AT, CHANNEL, a_log, entries, entry, kept_bytes


class Other(JsonCodec):
    """Another flavour: binary, and written backwards."""

    opcode = Opcode.BINARY

    def publication(self, channel: str, offset: int, payload: bytes) -> bytes:
        return super().publication(channel, offset, payload)[::-1]


class Counting(JsonCodec):
    """Counts what it writes."""

    def __init__(self) -> None:
        self.written = 0

    def publication(self, channel: str, offset: int, payload: bytes) -> bytes:
        self.written += 1
        return super().publication(channel, offset, payload)


# -------------------------------------------------------------------- frames


@pytest.mark.parametrize("document", ['{"a":1}', '{"text":"Æ \\" \\\\ \\n €"}', "[1.5,null]"])
def test_a_publication_is_the_push_that_the_protocol_describes(document: str) -> None:
    log = a_log(6)
    log.append([Entry(7, AT, document.encode())])
    assert json.loads(log.after(6, JSON).message.data) == {
        "push": {"channel": CHANNEL, "pub": {"data": json.loads(document), "offset": 7}}
    }


def test_a_publication_is_the_codecs_own_encoding_byte_for_byte() -> None:
    log = a_log(6)
    log.append([Entry(7, AT, b'{"a":1}')])
    expected = b'{"push":{"channel":"%b","pub":{"data":{"a":1},"offset":7}}}' % CHANNEL.encode()
    written = JSON.publication(CHANNEL, 7, b'{"a":1}')
    assert log.after(6, JSON).message.data == expected == written


def test_an_event_is_written_once_for_all_cursors_that_are_equal() -> None:
    log, codec = a_log(), Counting()
    log.append(entries(1, 5))
    for _ in range(100):
        log.after(0, codec)
    assert codec.written == 5


def test_each_flavour_has_messages_of_its_own() -> None:
    log, other = a_log(), Other()
    log.append(entries(1, 2))
    text, binary = log.after(0, JSON).message, log.after(0, other).message
    assert (text.opcode, binary.opcode) == (Opcode.TEXT, Opcode.BINARY)
    assert [line[::-1] for line in binary.data.split(b"\n")] == text.data.split(b"\n")
    assert log.after(0, JSON).message is text
    assert log.after(0, other).message is binary


# ------------------------------------------------------------------- batches


def test_a_batch_is_everything_after_the_cursor_a_line_each() -> None:
    log = a_log()
    log.append(entries(1, 5))
    batch = log.after(2, JSON)
    lines = batch.message.data.split(b"\n")
    assert [json.loads(line)["push"]["pub"]["offset"] for line in lines] == [3, 4, 5]
    assert (batch.upto, batch.count) == (5, 3)


def test_equal_cursors_share_the_same_message_and_its_frame() -> None:
    log = a_log()
    log.append(entries(1, 5))
    assert log.after(2, JSON) is log.after(2, JSON)
    assert log.after(2, JSON).message.frame is log.after(2, JSON).message.frame


def test_news_makes_new_batches() -> None:
    log = a_log()
    log.append(entries(1, 2))
    assert log.after(0, JSON).upto == 2
    log.append([entry(3)])
    assert log.after(0, JSON).upto == 3


def test_a_batch_is_at_most_64_kib_and_the_next_goes_on_after_it() -> None:
    log = a_log()
    log.append(entries(1, 300, 1_000))
    cursor, sizes = 0, []
    while cursor < log.head:
        batch = log.after(cursor, JSON)
        assert batch.upto - cursor == batch.count
        sizes.append(len(batch.message.data))
        cursor = batch.upto
    assert max(sizes) <= BATCH_BYTES
    assert min(sizes[:-1]) > BATCH_BYTES - 3_000


def test_cursors_that_came_apart_are_equal_again_after_a_batch() -> None:
    log = a_log()
    log.append(entries(1, 300, 1_000))
    assert len({log.after(cursor, JSON).upto for cursor in range(40)}) == 1


def test_a_backlog_is_joined_once_however_it_was_reached() -> None:
    log, codec = a_log(), Counting()
    log.append(entries(1, 300, 1_000))
    for start in (0, 7, 30):
        cursor = start
        while cursor < log.head:
            cursor = log.after(cursor, codec).upto
    assert codec.written < 300 + 60 + 60


def test_batches_end_where_they_would_after_the_ring_has_dropped_its_front() -> None:
    log = a_log(max_bytes=150_000)
    log.append(entries(1, 300, 1_000))
    first = log.after(log.first - 1, JSON)
    log.append(entries(301, 320, 1_000))
    assert log.after(first.upto, JSON).upto == log.after(first.upto + 3, JSON).upto


def test_an_event_larger_than_a_batch_goes_out_alone() -> None:
    log = a_log()
    log.append([entry(1), entry(2, BATCH_BYTES), entry(3)])
    assert [log.after(cursor, JSON).upto for cursor in (0, 1, 2)] == [1, 2, 3]


def test_many_different_cursors_do_not_fill_the_memory() -> None:
    log = a_log()
    log.append(entries(1, 1_000, 900))
    for cursor in range(1_000):
        log.after(cursor, JSON)
    assert 0 < kept_bytes(log.joined) <= log.joined.size <= JOINED_BYTES


def test_a_message_larger_than_the_bound_is_shared_until_the_next_is_made() -> None:
    log, codec = a_log(joined=Joined(1)), Counting()
    log.append([entry(1)])
    assert log.after(0, codec) is log.after(0, codec)
    log.append([entry(2)])
    log.after(1, codec)
    assert kept_bytes(log.joined) == 2 * len(log.after(1, codec).message.data) + 2
    assert codec.written == 2


def test_a_storm_shares_a_whole_ring() -> None:
    """One after the other, as they come: each is given all of it before the next."""
    log, codec = a_log(), Counting()
    log.append(entries(1, 3_000, 300))
    for _ in range(100):
        cursor = 0
        while cursor < log.head:
            cursor = log.after(cursor, codec).upto
    assert codec.written == 3_000


# ------------------------------------------------------------------ segments


def test_a_segment_gives_what_follows_each_cursor_that_it_holds() -> None:
    segment = Segment(a_log(), 10, entries(11, 13))
    assert [cursor for cursor in range(20) if segment.holds(cursor)] == [10, 11, 12]
    assert (segment.start, segment.end) == (10, 13)
    assert (segment.after(11, JSON).upto, segment.after(11, JSON).count) == (13, 2)
    assert segment.after(11, JSON) is segment.after(11, JSON)


def test_a_segment_makes_the_same_bytes_as_the_ring() -> None:
    log = a_log(10)
    log.append(entries(11, 13))
    segment = Segment(log, 10, entries(11, 13))
    assert segment.after(10, JSON).message.data == log.after(10, JSON).message.data


def test_what_was_joined_of_a_segment_counts_with_its_logs_own() -> None:
    log = a_log(10)
    batch = Segment(log, 5, entries(6, 10)).after(5, JSON)
    assert log.joined.size == batch.size


def test_a_segment_without_entries_holds_nothing() -> None:
    segment = Segment(a_log(), 10, ())
    assert segment.end == 10
    assert not any(map(segment.holds, range(20)))
