"""What a worker's own relay numbers: at once on its own sockets, never before what comes first."""

from collections.abc import AsyncIterator, Sequence

import pytest

from app.core.config import Settings
from app.realtime.log import ChannelLog
from app.realtime.message import Message
from app.realtime.relay import Relay
from app.realtime.shortcut import Shortcut
from tests.realtime.brokers import message
from tests.realtime.followers import Followed, following
from tests.realtime.log_writer import LogWriter
from tests.realtime.relays import Kept, published, relaying

FIRST = message("a", 1, b"1")
SECOND = message("a", 2, b"2", b"3")
THIRD = message("a", 4, b"4")


@pytest.fixture
async def followed(settings: Settings) -> AsyncIterator[Followed]:
    async with following(settings) as followed:
        yield followed


@pytest.fixture
async def active(followed: Followed) -> ChannelLog:
    return await followed.follower.acquire("a")


@pytest.fixture
def shortcut(followed: Followed) -> Shortcut:
    return Shortcut(followed.follower)


async def test_what_follows_on_the_relays_own_is_there_at_once(
    shortcut: Shortcut, active: ChannelLog
) -> None:
    for batch in (FIRST, SECOND, THIRD):
        shortcut.take([batch], alone=True)

    assert active.head == 4


async def test_what_redis_brings_again_changes_nothing(
    shortcut: Shortcut, active: ChannelLog, followed: Followed
) -> None:
    shortcut.take([SECOND], alone=True)
    shortcut.take([FIRST], alone=True)
    followed.wire.deliver([FIRST, SECOND])

    assert [entry.offset for entry in active.since(0)] == [1, 2, 3]


async def test_what_follows_on_another_relays_comes_by_way_of_redis(
    shortcut: Shortcut, active: ChannelLog, followed: Followed
) -> None:
    followed.wire.deliver([FIRST])
    shortcut.take([SECOND], alone=False)

    assert active.head == 1


async def test_nothing_overtakes_a_batch_that_is_still_on_its_way(
    shortcut: Shortcut, active: ChannelLog, followed: Followed
) -> None:
    """Of a channel that nothing new belongs to: a change of rights may be what is on its way."""
    control = await followed.follower.acquire("$control")
    change = message("$control", 1, b"{}")
    shortcut.take([change], alone=False)
    shortcut.take([FIRST], alone=True)
    assert (control.head, active.head) == (0, 0)

    followed.wire.deliver([change, FIRST])
    shortcut.take([SECOND], alone=True)
    assert (control.head, active.head) == (1, 3)


async def test_a_channel_that_nobody_here_follows_holds_up_nothing(
    shortcut: Shortcut, active: ChannelLog
) -> None:
    shortcut.take([message("elsewhere", 1, b"{}")], alone=True)
    shortcut.take([FIRST], alone=True)

    assert active.head == 1


class Told:
    """What a relay says that it has numbered: the offsets of `a`, and whether it was alone."""

    def __init__(self, relay: Relay) -> None:
        self.batches: list[tuple[int, bool]] = []
        relay.on_numbered = self._take

    def _take(self, messages: Sequence[Message], *, alone: bool) -> None:
        self.batches.extend((each.offset, alone) for each in messages if each.channel == "a")


async def test_a_relay_knows_whether_another_was_at_work_since(
    settings: Settings, log: LogWriter
) -> None:
    broker, patient = Kept(), settings.model_copy(update={"sweep_seconds": 60})
    async with relaying(patient, broker) as relay:
        told = Told(relay)
        for offset in (1, 2):
            await log.record("a")
            relay.nudge()
            await published(broker, "a", offset)
        await log.append("b")
        for offset in (3, 4):
            await log.record("a")
            relay.nudge()
            await published(broker, "a", offset)

    assert told.batches == [(1, False), (2, True), (3, False), (4, True)]
