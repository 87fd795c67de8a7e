"""What a follower reads of the log is counted under why it does."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from app.realtime.log.reader import Reason
from tests.realtime.followers import Followed, following
from tests.realtime.log_reads import log_reads
from tests.realtime.log_writer import LogWriter
from tests.waiting import until


@pytest.fixture
async def followed(settings: Settings) -> AsyncIterator[Followed]:
    async with following(settings) as followed:
        yield followed


async def test_a_channel_that_becomes_active_is_read_to_activate_it(followed: Followed) -> None:
    before = log_reads()
    await followed.follower.acquire("a")
    await followed.follower.acquire("a")
    assert log_reads() - before == Counter(activate=1)


async def test_what_was_missed_is_read_to_repair(followed: Followed, log: LogWriter) -> None:
    active = await followed.follower.acquire("a")
    await log.append("a", count=3)
    before = log_reads()
    await followed.follower.look()
    await until(lambda: active.head == 3)
    assert log_reads() - before == Counter(repair=1)


async def test_a_look_that_knows_no_tick_reads_the_heads_to_repair(
    followed: Followed, log: LogWriter
) -> None:
    await log.renew_epoch()
    with pytest.raises(OSError, match="renewed"):
        await followed.follower.acquire("a")
    await followed.follower.acquire("a")
    before = log_reads()
    await followed.follower.look()
    assert log_reads() - before == Counter(repair=1)


async def test_a_ring_that_begins_anew_is_read_to_repair(
    followed: Followed, log: LogWriter
) -> None:
    await followed.follower.acquire("a")
    await log.append("a", count=3)
    await log.cut("a", [1])
    before = log_reads()
    await followed.follower.look()
    await until(lambda: bool(followed.lost))
    assert log_reads() - before == Counter(repair=2)  # what is missing, and then what is there


@pytest.mark.parametrize("reason", ["recover", "repair"])
async def test_a_check_is_counted_under_what_it_is_for(followed: Followed, reason: Reason) -> None:
    active = await followed.follower.acquire("a")
    before = log_reads()
    await followed.follower.check(active, reason=reason)
    assert log_reads() - before == Counter({reason: 1})
