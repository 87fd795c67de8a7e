"""What a worker's own relay numbers: at once on its own sockets, never before what comes first."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

import pytest

from app.core.config import Settings
from app.realtime.log.channel_log import ChannelLog
from app.realtime.log.message import Message
from app.realtime.log.shortcut import deliver_own
from tests.realtime.brokers import message
from tests.realtime.followers import Followed, following
from tests.realtime.log_writer import LogWriter
from tests.realtime.relays import Kept, published, relaying

Deliver = Callable[[Sequence[Message], int], None]

FIRST = message("a", 1, b"1")
SECOND = message("a", 2, b"2", b"3")
THIRD = message("a", 4, b"4")
CHANGE = message("$control", 1, b"{}")


@pytest.fixture
async def followed(settings: Settings) -> AsyncIterator[Followed]:
    async with following(settings) as followed:
        yield followed


@pytest.fixture
async def control(followed: Followed) -> ChannelLog:
    return await followed.follower.acquire("$control")


@pytest.fixture
async def active(followed: Followed) -> ChannelLog:
    return await followed.follower.acquire("a")


@pytest.fixture
def deliver(followed: Followed, control: ChannelLog) -> Deliver:
    assert control.started
    return partial(deliver_own, followed.follower)


async def test_what_comes_next_is_there_at_once(deliver: Deliver, active: ChannelLog) -> None:
    for batch in (FIRST, SECOND, THIRD):
        deliver([batch], 0)

    assert active.head == 4


async def test_what_redis_brings_again_changes_nothing(
    deliver: Deliver, active: ChannelLog, followed: Followed
) -> None:
    deliver([FIRST], 0)
    followed.wire.deliver([FIRST, SECOND])

    assert [entry.offset for entry in active.since(0)] == [1, 2, 3]


async def test_what_follows_on_something_that_is_not_here_waits_for_redis(
    deliver: Deliver, active: ChannelLog
) -> None:
    """Of another relay, and still on its way; to look for it would cost Postgres a question."""
    deliver([SECOND], 0)

    assert (active.head, active.is_behind) == (0, False)


async def test_nothing_overtakes_a_change_of_rights(
    deliver: Deliver, active: ChannelLog, control: ChannelLog, followed: Followed
) -> None:
    """However many batches of channels that nobody here follows came after it."""
    deliver([message("elsewhere", 1, b"{}")], 1)
    deliver([FIRST], 1)
    assert (control.head, active.head) == (0, 0)

    followed.wire.deliver([CHANGE, FIRST])
    deliver([SECOND], 1)
    assert (control.head, active.head) == (1, 3)


async def test_a_change_of_rights_in_the_batch_keeps_its_place(
    deliver: Deliver, active: ChannelLog, control: ChannelLog, followed: Followed
) -> None:
    order: list[str] = []
    followed.follower.on_news = lambda log: order.append(log.name)
    deliver([FIRST, CHANGE, SECOND], 0)

    assert order == ["a", "$control", "a"]
    assert (control.head, active.head) == (1, 3)


async def test_where_changes_of_rights_are_not_followed_nothing_takes_the_short_way(
    followed: Followed, active: ChannelLog
) -> None:
    deliver_own(followed.follower, [FIRST], 0)

    assert active.head == 0


async def test_a_channel_that_nobody_here_follows_holds_up_nothing(
    deliver: Deliver, active: ChannelLog
) -> None:
    deliver([message("elsewhere", 7, b"{}"), FIRST], 0)

    assert active.head == 1


async def test_a_relay_tells_how_far_the_changes_of_rights_had_come_before_a_batch(
    settings: Settings, log: LogWriter
) -> None:
    told: list[tuple[str, int]] = []
    broker, patient = Kept(), settings.model_copy(update={"sweep_seconds": 60})
    async with relaying(patient, broker) as relay:
        relay.on_numbered = lambda messages, rights: told.extend(
            (each.channel, rights) for each in messages
        )
        for offset in (1, 2):
            await log.record("$control")
            await log.record("a")
            relay.nudge()
            await published(broker, "a", offset)

    assert told == [("$control", 0), ("a", 0), ("$control", 1), ("a", 1)]
