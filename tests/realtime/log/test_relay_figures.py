"""The figures of the relay: what waits, and how old it is."""

import pytest

from app.core.config import Settings
from app.realtime.log.relay import SERVER_SETTINGS
from tests.databases import without_temporary
from tests.realtime.log_writer import LogWriter, writing
from tests.realtime.relays import Kept, published, relaying
from tests.waiting import until


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"sweep_seconds": 0.05})


async def test_the_age_of_what_waits_is_known_and_forgotten_once_it_was_relayed(
    settings: Settings, log: LogWriter, database: str
) -> None:
    broker = Kept()
    async with relaying(settings, broker) as relay:
        async with log.connection.transaction(), writing(database) as writer:
            await log.connection.execute("LOCK TABLE channels IN EXCLUSIVE MODE")
            await writer.record("a", age_seconds=60)
            await until(lambda: relay.pending_age >= 60)
        await published(broker, "a", 1)
        await until(lambda: relay.pending_age == 0)


async def test_what_waits_is_known_where_the_relay_may_not_even_prepare_its_turn(
    settings: Settings, log: LogWriter, database: str
) -> None:
    await log.record("a", count=3, age_seconds=60)
    async with without_temporary(database) as modest:
        poor = settings.model_copy(update={"database_url": modest})
        async with relaying(poor, Kept()) as relay:
            await until(lambda: relay.pending_age >= 60)
            await until(lambda: relay.outage.kind != "")

    assert relay.pending == 3
    assert relay.outage.kind == "InsufficientPrivilegeError"


async def test_the_age_is_known_where_nudges_leave_a_failing_relay_no_time_for_a_sweep(
    settings: Settings, log: LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SERVER_SETTINGS, "lock_timeout", "100")
    await log.record("a", age_seconds=60)
    async with log.connection.transaction():
        await log.connection.execute("LOCK TABLE channels IN EXCLUSIVE MODE")
        patient = settings.model_copy(update={"sweep_seconds": 60})
        async with relaying(patient, Kept()) as relay:

            def is_known() -> bool:
                relay.nudge()
                return relay.pending_age >= 60

            await until(is_known)
