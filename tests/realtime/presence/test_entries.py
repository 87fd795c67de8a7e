"""Entries: what is held, what is yet to be written, and takes that wait for their outcome."""

import asyncio

import pytest

from app.realtime.presence.entries import Entries
from app.realtime.presence.lease_store import Write


class Noted(Entries):
    """Counts how often there was something to write."""

    def __init__(self) -> None:
        super().__init__(self._count)
        self.notes = 0

    def _count(self) -> None:
        self.notes += 1


def test_what_was_put_is_written_once() -> None:
    entries = Noted()
    entries.put("g", "a", b"{}")
    assert entries.notes == 1
    assert entries.next(10).writes == [Write("g", "a", "put", b"{}")]
    assert entries.next(10).writes == []


def test_what_was_dropped_is_removed() -> None:
    entries = Noted()
    entries.put("g", "a", b"{}")
    entries.next(10)
    entries.drop("g", "a")
    assert entries.next(10).writes == [Write("g", "a", "drop")]
    assert entries.count("g") == 0


def test_only_the_last_word_on_an_entry_is_written() -> None:
    entries = Noted()
    for _ in range(3):
        entries.put("g", "a", b"1")
        entries.drop("g", "a")
    entries.put("g", "a", b"2")
    assert entries.next(10).writes == [Write("g", "a", "put", b"2")]


def test_dropping_what_was_never_put_is_nothing_to_write() -> None:
    entries = Noted()
    entries.drop("g", "a")
    assert (entries.notes, entries.unwritten) == (0, 0)


def test_entries_are_written_in_the_order_of_their_notes_so_many_at_a_time() -> None:
    entries = Noted()
    for client in "abc":
        entries.put("g", client)
    assert [write.client for write in entries.next(2).writes] == ["a", "b"]
    assert [write.client for write in entries.next(2).writes] == ["c"]


def test_all_that_is_held_can_be_written_again() -> None:
    entries = Noted()
    for client in "abc":
        entries.put("g", client)
    entries.next(10)
    entries.drop("g", "b")
    entries.note_all()
    assert [(write.client, write.what) for write in entries.next(10).writes] == [
        ("a", "put"),
        ("c", "put"),
    ]


async def asking(entries: Entries, size: int = 1) -> "asyncio.Task[bool]":
    task = asyncio.create_task(entries.take("g", "a", size))
    await asyncio.sleep(0)
    return task


async def test_a_take_that_was_granted_is_held() -> None:
    entries = Noted()
    task = await asking(entries)
    batch = entries.next(10)
    assert batch.writes == [Write("g", "a", 1)]
    entries.settle(batch, [])
    assert await task
    assert entries.count("g") == 1


async def test_a_take_that_was_refused_is_not_held() -> None:
    entries = Noted()
    task = await asking(entries)
    entries.settle(entries.next(10), [0])
    assert not await task
    assert entries.count("g") == 0
    assert entries.unwritten == 0


async def test_a_take_that_failed_says_so() -> None:
    entries = Noted()
    task = await asking(entries)
    entries.fail(ConnectionError("Redis is away"))
    with pytest.raises(ConnectionError):
        await task


async def test_a_take_that_nobody_waits_for_any_more_is_taken_back() -> None:
    entries = Noted()
    task = await asking(entries)
    batch = entries.next(10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    entries.settle(batch, [])
    assert entries.next(10).writes == [Write("g", "a", "drop")]


async def test_a_take_that_was_never_written_is_asked_again_under_another_lease() -> None:
    entries = Noted()
    task = await asking(entries)
    entries.next(10)
    entries.note_all()
    batch = entries.next(10)
    entries.settle(batch, [])
    assert await task


async def test_a_take_that_is_dropped_before_its_outcome_is_refused_and_taken_back() -> None:
    entries = Noted()
    task = await asking(entries)
    batch = entries.next(10)
    entries.drop("g", "a")
    entries.settle(batch, [])
    assert not await task
    assert entries.next(10).writes == [Write("g", "a", "drop")]
    assert entries.count("g") == 0
