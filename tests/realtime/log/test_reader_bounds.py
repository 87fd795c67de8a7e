"""LogReader: a read is bounded, however much there is."""

from app.realtime.log.channel_log import contiguous
from app.realtime.log.reader import PAGE_BYTES, PIECE_EVENTS, READ_BYTES, READ_EVENTS, LogReader
from tests.realtime.log_writer import LogWriter, numbers

LARGE = "x" * (READ_BYTES // 4 + 1)


async def test_a_read_ends_with_the_event_that_makes_it_large(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", count=6, payload=LARGE)
    found = await reader.after({"a": 0}, reason="repair")
    assert [entry.offset for entry in found["a"]] == [1, 2, 3, 4]
    found = await reader.after({"a": 4}, reason="repair")
    assert [entry.offset for entry in found["a"]] == [5, 6]


async def test_bytes_are_counted_and_not_characters(reader: LogReader, log: LogWriter) -> None:
    await log.append("a", count=6, payload="€" * (len(LARGE) // 3 + 1))
    found = await reader.after({"a": 0}, reason="repair")
    assert len(found["a"]) == 4


async def test_an_event_that_is_larger_than_a_read_comes_alone(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", count=2, payload="x" * (READ_BYTES + 1))
    found = await reader.after({"a": 0}, reason="repair")
    assert [entry.offset for entry in found["a"]] == [1]


async def test_the_channels_are_read_in_their_order_and_those_not_come_to_are_left_out(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("z")
    await log.append("m", "a", count=6, payload=LARGE)
    found = await reader.after({"z": 0, "nothing": 0, "m": 3, "a": 0, "later": 0}, reason="repair")
    assert {channel: len(entries) for channel, entries in found.items()} == {
        "z": 1,
        "nothing": 0,
        "m": 3,
        "a": 1,
    }


async def test_a_read_of_many_channels_is_bounded_by_events_too(
    reader: LogReader, log: LogWriter
) -> None:
    names = [f"c{n:02}" for n in range(READ_EVENTS // PIECE_EVENTS + 2)]
    await log.append(*names, count=PIECE_EVENTS)
    cursors = dict.fromkeys(reversed(names), 0)
    found = await reader.after(cursors, reason="repair")
    assert list(found) == names[:1:-1]
    assert sum(map(len, found.values())) == READ_EVENTS
    assert all(contiguous(0, entries) for entries in found.values())
    assert numbers([entry.payload for entry in found["c02"]])[-1] == PIECE_EVENTS


# ------------------------------------------------------------------------- pages


async def test_a_page_ends_with_the_event_that_makes_it_large(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", count=8, payload="x" * (PAGE_BYTES // 4 + 1))
    assert [offset for offset, _payload in await reader.between("a", 0, 8)] == [1, 2, 3, 4]
    assert [offset for offset, _payload in await reader.between("a", 4, 7)] == [5, 6, 7]


async def test_a_page_that_begins_at_the_newest_keeps_the_newest(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", count=8, payload="x" * (PAGE_BYTES // 4 + 1))
    found = await reader.between("a", 1, 7, newest_first=True)
    assert [offset for offset, _payload in found] == [7, 6, 5, 4]


async def test_a_page_counts_bytes_and_not_characters(reader: LogReader, log: LogWriter) -> None:
    await log.append("a", count=6, payload="€" * (PAGE_BYTES // 12 + 1))
    assert len(await reader.between("a", 0, 6)) == 4


async def test_an_event_that_is_larger_than_a_page_comes_alone(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", count=3, payload="x" * (PAGE_BYTES + 1))
    for newest_first, offset in ((False, 1), (True, 3)):
        found = await reader.between("a", 0, 3, newest_first=newest_first)
        assert [each for each, _payload in found] == [offset]
