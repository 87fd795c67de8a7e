"""A backlog that takes the relay longer than a turn may take: it is relayed all the same."""

import logging

import pytest

from app.core.config import Settings
from app.realtime.log.relay import LOCK_SECONDS, Relay
from tests.realtime.log_writer import LogWriter
from tests.realtime.relays import Kept, published, relaying
from tests.waiting import until

BATCH = 10
BATCH_SECONDS = 0.2
SLOW = f"relay.published=wait:{BATCH_SECONDS}"


class HurriedRelay(Relay):
    """A turn may take as long as a few slow batches."""

    turn_seconds = 5 * BATCH_SECONDS


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"sweep_seconds": 60, "relay_batch": BATCH})


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_backlog_is_no_failure_however_long_it_takes(
    settings: Settings, log: LogWriter, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Kept()
    await log.record("a", count=8 * BATCH)
    async with relaying(settings, broker, SLOW, kind=HurriedRelay) as relay:
        relay.nudge()
        await published(broker, "a", 1)
        connection = relay._connection
        await published(broker, "a", 8 * BATCH)
        await until(lambda: relay.pending == 0)
        assert relay._connection is connection
    assert broker.offsets("a") == list(range(1, 8 * BATCH + 1))
    assert complaints(caplog) == []


async def test_meanwhile_the_other_workers_relays_have_their_turns(
    settings: Settings, log: LogWriter, caplog: pytest.LogCaptureFixture
) -> None:
    mine, theirs = Kept(), Kept()
    batches = 2 * round(LOCK_SECONDS / BATCH_SECONDS)
    await log.record("a", count=batches * BATCH)
    async with relaying(settings, mine, SLOW) as first, relaying(settings, theirs, SLOW) as second:
        first.nudge()
        second.nudge()
        await until(lambda: len(mine.batches) + len(theirs.batches) == batches)
    assert min(len(mine.batches), len(theirs.batches)) > batches // 4
    assert sorted(mine.offsets("a") + theirs.offsets("a")) == list(range(1, batches * BATCH + 1))
    assert complaints(caplog) == []


async def test_what_is_pending_is_measured_while_a_backlog_lasts(
    settings: Settings, log: LogWriter
) -> None:
    broker = Kept()
    await log.record("a", count=12 * BATCH)
    async with relaying(settings, broker, SLOW) as relay:
        relay.nudge()
        await until(lambda: 0 < relay.pending < 12 * BATCH)
        assert relay.pending_age > 0
        await until(lambda: relay.pending == 0)
    assert len(broker.batches) == 12
