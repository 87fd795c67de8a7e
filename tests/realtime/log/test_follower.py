"""LogFollower on a real Postgres: whatever the wire loses, the log of a channel is whole."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from app.realtime.log.channel_log import ChannelLog
from app.realtime.log.message import Message
from app.realtime.log.reader import READ_BYTES
from tests.realtime.brokers import message
from tests.realtime.followers import Followed, following, looking
from tests.realtime.log_writer import LogWriter, numbers
from tests.waiting import until


@pytest.fixture
async def followed(settings: Settings) -> AsyncIterator[Followed]:
    async with following(settings) as followed:
        yield followed


def held(log: ChannelLog) -> list[int]:
    return [entry.offset for entry in log.since(log.first - 1)]


# ------------------------------------------------------------- active channels


async def test_a_channel_starts_at_the_head_of_its_log(followed: Followed, log: LogWriter) -> None:
    await log.append("a", count=3)
    active = await followed.follower.acquire("a")
    assert (active.head, held(active)) == (3, [])
    assert followed.wire.subscribed == ["a"]


async def test_all_who_want_a_channel_share_one_activation(followed: Followed) -> None:
    logs = await asyncio.gather(*(followed.follower.acquire("a") for _ in range(20)))
    assert len(set(map(id, logs))) == 1
    assert followed.reader.reads == ["extents to activate"]


async def test_one_who_gives_up_does_not_end_the_activation_of_the_others(
    followed: Followed,
) -> None:
    followed.reader.may_answer.clear()
    hasty, patient = (asyncio.create_task(followed.follower.acquire("a")) for _ in range(2))
    await followed.reader.asked.wait()
    hasty.cancel()
    await asyncio.wait({hasty})
    followed.reader.may_answer.set()
    assert (await patient).started


async def test_events_that_arrive_while_the_head_is_read_are_in_their_place(
    followed: Followed, log: LogWriter
) -> None:
    await log.append("a", count=2)
    followed.reader.may_answer.clear()
    acquiring = asyncio.create_task(followed.follower.acquire("a"))
    await followed.reader.asked.wait()
    followed.wire.deliver(await log.append("a", count=2))
    followed.reader.may_answer.set()
    active = await acquiring
    assert (active.head, held(active)) == (4, [3, 4])


async def test_a_failed_activation_leaves_nothing_behind(followed: Followed) -> None:
    followed.reader.failures = 1
    with pytest.raises(OSError, match="away"):
        await followed.follower.acquire("a")
    await until(lambda: not followed.follower._users)
    assert (await followed.follower.acquire("a")).started


async def test_all_channels_that_are_wanted_at_once_are_read_at_once(followed: Followed) -> None:
    logs = await asyncio.gather(*(followed.follower.acquire(f"c{n}") for n in range(50)))
    assert [log.name for log in logs] == [f"c{n}" for n in range(50)]
    assert followed.reader.reads == ["extents to activate"]


# ------------------------------------------------------------------------ news


async def test_messages_are_appended_as_they_come(followed: Followed, log: LogWriter) -> None:
    active = await followed.follower.acquire("a")
    followed.wire.deliver(await log.append("a", count=3))
    assert held(active) == [1, 2, 3]
    assert numbers([entry.payload for entry in active.since(0)]) == [1, 2, 3]
    assert followed.news == ["a"]


async def test_a_message_of_a_channel_that_nobody_follows_is_passed_over(
    followed: Followed, log: LogWriter
) -> None:
    followed.wire.deliver(await log.append("a"))
    assert followed.news == []


async def test_a_hole_before_a_message_is_repaired_without_waiting_for_a_look(
    followed: Followed, log: LogWriter
) -> None:
    active = await followed.follower.acquire("a")
    await log.append("a", count=2)
    followed.wire.deliver(await log.append("a"))
    await until(lambda: active.head == 3)
    assert held(active) == [1, 2, 3]


async def test_a_lost_message_is_found_by_a_look(followed: Followed, log: LogWriter) -> None:
    active = await followed.follower.acquire("a")
    await log.append("a", count=2)
    await followed.follower.look()
    await until(lambda: active.head == 2)


async def test_more_than_a_piece_is_repaired_piece_by_piece(
    followed: Followed, log: LogWriter
) -> None:
    active = await followed.follower.acquire("a")
    await log.append("a", count=1_300)
    await followed.follower.look()
    await until(lambda: active.head == 1_300)
    assert held(active) == list(range(1, 1_301))


async def test_what_is_too_large_for_one_read_is_repaired_with_several(
    followed: Followed, log: LogWriter
) -> None:
    small, large, other = [await followed.follower.acquire(name) for name in "abc"]
    await log.append("b", "c", count=3, payload="x" * (READ_BYTES // 2 + 1))
    await log.append("a")
    followed.reader.reads.clear()
    await followed.follower.look()
    await until(lambda: (small.head, large.head, other.head) == (1, 3, 3))
    assert followed.reader.reads == ["repair"] * 3
    assert followed.lost == []


async def test_of_several_channels_the_least_behind_is_repaired_first(
    followed: Followed, log: LogWriter
) -> None:
    await followed.follower.acquire("a")
    await followed.follower.acquire("b")
    await log.append("a", count=5, payload="x" * (READ_BYTES + 1))
    await log.append("b")
    await followed.follower.look()
    await until(lambda: bool(followed.news))
    assert followed.news[0] == "b"


async def test_a_repair_that_fails_is_tried_again_at_the_next_look(
    followed: Followed, log: LogWriter
) -> None:
    active = await followed.follower.acquire("a")
    await log.append("a")
    followed.reader.failures = 1
    await followed.follower.look()
    await until(lambda: not followed.reader.failures)
    await followed.follower.look()
    await until(lambda: active.head == 1)


async def test_an_offset_that_does_not_exist_is_not_looked_for_for_ever(
    followed: Followed, log: LogWriter
) -> None:
    active = await followed.follower.acquire("a")
    followed.wire.deliver([message("a", 1_000, b"{}")])
    assert active.is_behind
    await until(lambda: not active.is_behind)
    assert followed.reader.reads == ["extents to activate", "repair", "extents to repair"]
    followed.wire.deliver(await log.append("a"))
    assert held(active) == [1]
    assert followed.lost == []


async def test_what_really_arrives_while_an_offset_is_doubted_is_not_forgotten(
    followed: Followed, log: LogWriter
) -> None:
    active = await followed.follower.acquire("a")
    followed.reader.asked.clear()
    followed.reader.may_answer.clear()
    followed.wire.deliver([message("a", 1_000, b"{}")])
    await until(lambda: followed.reader.reads[-1] == "repair")
    await followed.reader.asked.wait()
    followed.reader.asked.clear()
    followed.reader.may_answer.set()
    followed.reader.may_answer.clear()
    await until(lambda: followed.reader.reads[-1] == "extents to repair")
    await followed.reader.asked.wait()
    await log.append("a")  # lost
    followed.wire.deliver(await log.append("a"))
    followed.reader.may_answer.set()
    await until(lambda: active.head == 2)
    assert (followed.lost, followed.renewals) == ([], 0)


async def test_a_hole_in_the_log_itself_is_told_and_the_ring_starts_anew(
    followed: Followed, log: LogWriter
) -> None:
    active = await followed.follower.acquire("a")
    await log.append("a", count=5)
    await log.cut("a", [1, 2])
    await followed.follower.look()
    await until(lambda: bool(followed.lost))
    assert followed.lost == [active]
    assert not followed.follower.is_current(active)
    fresh = await followed.follower.acquire("a")
    assert (fresh.head, fresh.is_behind) == (5, False)


async def test_a_hole_at_the_end_of_the_log_is_told_after_what_lies_before_it(
    followed: Followed, log: LogWriter
) -> None:
    active = await followed.follower.acquire("a")
    await log.append("a", count=3)
    await log.cut("a", [2, 3])
    await followed.follower.check(active, reason="recover")
    await until(lambda: bool(followed.lost))
    assert held(active) == [1]
    assert (await followed.follower.acquire("a")).head == 3


async def test_rights_that_change_while_they_are_read_along_are_no_hole(
    followed: Followed, log: LogWriter
) -> None:
    control, active = [await followed.follower.acquire(name) for name in ("$control", "a")]
    await log.append("a")
    followed.reader.asked.clear()
    followed.reader.may_answer.clear()
    await followed.follower.look()
    await followed.reader.asked.wait()
    await log.append("$control")
    await followed.follower.look()
    assert control.is_behind
    followed.reader.may_answer.set()
    await until(lambda: (control.head, active.head) == (1, 1))
    assert held(control) == [1]
    assert (followed.lost, followed.renewals) == ([], 0)


# ------------------------------------------------------------------ everything


@pytest.mark.parametrize("seed", range(3))
async def test_lost_repeated_and_shuffled_messages_give_exactly_the_log(
    settings: Settings, log: LogWriter, seed: int
) -> None:
    chance = random.Random(seed)
    quick = settings.model_copy(update={"look_seconds": 0.03})
    late: list[Message] = []
    async with following(quick) as followed, looking(followed):
        active = await followed.follower.acquire("a")
        for _ in range(60):
            late += chance.choice((0, 1, 2)) * await log.append("a", count=chance.randint(1, 9))
            chance.shuffle(late)
            for _ in range(chance.randint(0, 3)):
                if late:
                    followed.wire.deliver([late.pop()])
        _epoch, extents = await followed.reader.extents(["a"], reason=None)
        head = extents["a"].head
        await until(lambda: active.head == head)
        rows = (await followed.reader.after({"a": 0}, reason="repair", limit=1_000))["a"]
    assert held(active) == list(range(1, head + 1))
    assert [entry.payload for entry in active.since(0)] == [row.payload for row in rows]
    assert not followed.lost
