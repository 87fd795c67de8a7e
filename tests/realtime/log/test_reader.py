"""LogReader, on a real Postgres."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from app.core.locks import PRUNE_LOCK
from app.realtime.log.channel_log import contiguous
from app.realtime.log.reader import LOOK_SECONDS, LogReader
from tests.realtime.log_writer import LogWriter, numbers, writing
from tests.realtime.server_proxy import ServerProxy

HOUR = 3_600.0


BACKEND = "SELECT pg_backend_pid()"


async def test_a_new_log_has_an_epoch_and_no_tick(reader: LogReader) -> None:
    seen = await reader.look()
    assert (len(seen.epoch), seen.tick) == (16, 0)


async def test_each_batch_of_the_relay_raises_the_tick(reader: LogReader, log: LogWriter) -> None:
    await log.append("a", count=3)
    await log.append("b")
    assert (await reader.look()).tick == 2


async def test_another_value_in_log_epoch_is_another_epoch(
    reader: LogReader, log: LogWriter
) -> None:
    before = await reader.look()
    await log.renew_epoch()
    assert (await reader.look()).epoch != before.epoch


async def test_extents_are_those_of_the_channels_asked_for_in_any_order(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", count=3)
    await log.append("b", "a")
    epoch, extents = await reader.extents(["b", "never", "a"], reason=None)
    assert extents == {"b": (1, 0), "never": (0, 0), "a": (4, 0)}
    assert list(extents) == ["b", "never", "a"]
    assert epoch == (await reader.look()).epoch


async def test_nobody_asked_for_is_nothing_found(reader: LogReader) -> None:
    epoch, extents = await reader.extents([], reason=None)
    assert (epoch, extents) == ((await reader.look()).epoch, {})


async def test_a_channel_may_be_asked_for_twice(reader: LogReader, log: LogWriter) -> None:
    await log.append("a", count=3)
    assert (await reader.extents(["a", "b", "a"], reason=None))[1] == {"a": (3, 0), "b": (0, 0)}


async def test_the_floor_is_the_position_before_the_oldest_event_that_is_left(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", "b", count=3, age_seconds=2 * HOUR)
    await log.append("a", count=2)
    assert (await reader.extents(["a", "b"], reason=None))[1] == {"a": (5, 0), "b": (3, 0)}
    await reader.prune(HOUR)
    assert (await reader.extents(["a", "b"], reason=None))[1] == {"a": (5, 3), "b": (3, 3)}


async def test_news_are_the_channels_with_a_newer_tick_and_their_newest_offset(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", "b", count=2)
    tick = await log.tick()
    await log.append("b", count=3)
    await log.append("c")
    assert await reader.heads(["a", "b", "nothing"], since=tick) == {"b": 5}
    assert await reader.heads(["a", "b"], since=0) == {"a": 2, "b": 5}
    assert await reader.heads(["a", "b", "c"], since=await log.tick()) == {}


async def test_after_gives_the_rows_behind_each_cursor_in_order(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", count=5)
    await log.append("b", count=2)
    found = await reader.after({"a": 2, "b": 0, "c": 0}, reason="repair")
    assert [entry.offset for entry in found["a"]] == [3, 4, 5]
    assert numbers([entry.payload for entry in found["a"]]) == [3, 4, 5]
    assert [entry.offset for entry in found["b"]] == [1, 2]
    assert found["c"] == []


async def test_after_gives_no_more_than_its_limit_of_each_channel(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", "b", count=10)
    found = await reader.after({"a": 0, "b": 4}, reason="repair", limit=3)
    assert [entry.offset for entry in found["a"]] == [1, 2, 3]
    assert [entry.offset for entry in found["b"]] == [5, 6, 7]


async def test_an_entry_is_the_event_as_it_was_recorded(reader: LogReader, log: LogWriter) -> None:
    payload = '{"text":"Æ €","n":1.10}'
    await log.append("a", payload=payload)
    (entry,) = (await reader.after({"a": 0}, reason="refill"))["a"]
    recorded = await log.connection.fetchval("SELECT created_at FROM events")
    assert (entry.payload, entry.at) == (payload.encode(), recorded.timestamp())


async def test_between_gives_what_follows_the_one_offset_up_to_the_other(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", "b", count=10)
    found = await reader.between("a", 3, 6)
    assert [offset for offset, _payload in found] == [4, 5, 6]
    assert numbers([payload for _offset, payload in found]) == [4, 5, 6]
    assert await reader.between("a", 6, 6) == []
    assert await reader.between("a", 10, 99) == []
    assert await reader.between("never", 0, 99) == []


async def test_between_gives_only_what_the_log_still_has(reader: LogReader, log: LogWriter) -> None:
    await log.append("a", count=3, age_seconds=2 * HOUR)
    await log.append("a", count=2)
    await reader.prune(HOUR)
    assert [offset for offset, _payload in await reader.between("a", 0, 9)] == [4, 5]


async def test_between_gives_the_event_as_it_was_recorded(
    reader: LogReader, log: LogWriter
) -> None:
    payload = '{"text":"Æ €", "n": 1.10}'
    await log.append("a", payload=payload)
    assert await reader.between("a", 0, 1) == [(1, payload.encode())]


# --------------------------------------------------------------------- pruning


async def test_pruning_removes_what_is_older_and_keeps_the_rest(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", "b", count=3, age_seconds=2 * HOUR)
    await log.append("b", age_seconds=2 * HOUR)
    await log.append("a", count=2)
    assert await reader.prune(HOUR) == 7
    assert (await log.offsets("a"), await log.offsets("b")) == ([4, 5], [])


async def test_pruning_stops_at_the_first_batch_that_is_not_old_enough(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", age_seconds=2 * HOUR)
    await log.append("a")
    await log.append("a", age_seconds=2 * HOUR)  # a transaction that took its time
    assert await reader.prune(HOUR) == 1
    assert await log.offsets("a") == [2, 3]


async def test_a_batch_with_one_young_event_stays_whole(reader: LogReader, log: LogWriter) -> None:
    await log.record("a", count=2, age_seconds=2 * HOUR)
    await log.append("a")
    assert await reader.prune(HOUR) == 0
    assert await log.offsets("a") == [1, 2, 3]


async def test_pruning_in_pieces_never_makes_a_hole(reader: LogReader, log: LogWriter) -> None:
    for _ in range(10):
        await log.append("a", "b", count=3, age_seconds=2 * HOUR)
    await log.append("a")
    removed = 0
    while gone := await reader.prune(HOUR, limit=10):
        removed += gone
        offsets = await log.offsets("a")
        assert offsets == list(range(offsets[0], 32))
    assert removed == 60


async def test_a_head_survives_the_pruning_of_all_its_rows(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", count=3, age_seconds=2 * HOUR)
    await reader.prune(HOUR)
    assert (await reader.extents(["a"], reason=None))[1] == {"a": (3, 3)}
    (message,) = await log.append("a")
    assert message.offset == 4


async def test_several_workers_may_prune_at_once(reader: LogReader, log: LogWriter) -> None:
    for _ in range(20):
        await log.append("a", "b", count=5, age_seconds=2 * HOUR)
    removed = await asyncio.gather(*(reader.prune(HOUR) for _ in range(3)))
    assert sum(removed) == 200
    assert await log.offsets("a") == []


async def test_while_one_worker_prunes_the_others_leave_it_to_that_one(
    reader: LogReader, log: LogWriter
) -> None:
    await log.append("a", count=3, age_seconds=2 * HOUR)
    async with log.connection.transaction():
        await log.connection.execute("SELECT pg_advisory_xact_lock($1)", PRUNE_LOCK)
        assert await reader.prune(HOUR) == 0
    assert await reader.prune(HOUR) == 3


# ------------------------------------------------------------- together, and away


async def test_reads_while_a_relay_writes_are_always_contiguous(
    reader: LogReader, log: LogWriter, database: str
) -> None:
    async def write() -> None:
        for _ in range(60):
            await log.append("a", count=7)

    async with writing(database) as other:
        writes = asyncio.create_task(write())
        cursor = 0
        while cursor < 420:
            entries = (await reader.after({"a": cursor}, reason="repair"))["a"]
            assert contiguous(cursor, entries)
            cursor += len(entries)
        await writes
        assert await other.offsets("a") == list(range(1, 421))


async def test_a_reader_that_is_not_open_is_as_good_as_away(database: str) -> None:
    with pytest.raises(OSError, match="not open"):
        await LogReader(database).look()


async def test_postgres_may_be_away_when_it_is_opened() -> None:
    reader = LogReader("postgresql://nobody@127.0.0.1:1/nothing")
    await reader.open()
    with pytest.raises(OSError, match="Connect"):
        await reader.look()
    await reader.close()


async def test_a_connection_that_was_cut_is_replaced(reader: LogReader, log: LogWriter) -> None:
    before = await reader.look()
    await log.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
        "tandem-log",
    )
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        await reader.look()
    assert await reader.look() == before


@pytest.mark.parametrize(("state", "leaves"), [("55000", True), ("25006", True), ("22012", False)])
async def test_a_postgres_that_cannot_do_it_is_left(
    reader: LogReader, state: str, *, leaves: bool
) -> None:
    """As one that became a standby (55000, 25006): by its address there may be a primary."""
    before = await reader.ask(BACKEND)
    with pytest.raises(asyncpg.PostgresError):
        await reader.ask(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")
    assert (await reader.ask(BACKEND) != before) == leaves


@pytest.mark.timed
async def test_a_look_finds_soon_that_postgres_is_silent_and_soon_that_it_is_back(
    database: str,
) -> None:
    async with ServerProxy(database) as proxy:
        reader = LogReader(proxy.url)
        await reader.open()
        before = await reader.look()
        proxy.vanish()
        async with asyncio.timeout(LOOK_SECONDS + 1):
            with pytest.raises(TimeoutError):
                await reader.look()
        proxy.reappear()
        async with asyncio.timeout(LOOK_SECONDS + 1):
            assert await reader.look() == before
        await reader.close()
