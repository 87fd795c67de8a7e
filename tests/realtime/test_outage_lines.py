"""What the log says while Postgres is away: a handful of lines, however long it takes."""

import logging
from collections import Counter

import pytest

from app.auth.principals import Role
from app.core.config import Settings
from app.realtime.outbox import ControlEvent
from app.realtime.runtime import Runtime
from tests.realtime.log_writer import LogWriter
from tests.realtime.server_proxy import ServerProxy
from tests.realtime.stage import Stage, staged
from tests.waiting import until

TRIES = 20
LOST = {"look failed", "repair failed", "relay turn failed", "recheck failed"}
BACK = {"looks work again", "repairs work again", "the relay works again", "rechecks work again"}


def count_failed_looks(runtime: Runtime) -> list[None]:
    """Grows by one with each."""
    failed: list[None] = []
    on_away = runtime.follower.on_away

    def count() -> None:
        failed.append(None)
        on_away()

    runtime.follower.on_away = count
    return failed


def line(record: logging.LogRecord) -> tuple[str, str]:
    """What is told, and the kind of error that it is told with."""
    return record.message, getattr(record, "error", "").partition("(")[0]


async def lose_and_change(stage: Stage, log: LogWriter, user_ids: list[str]) -> None:
    """An event that is lost, one that shows it, and changes of rights that are to be looked up."""
    await log.append("orders")
    messages = await log.append("orders")
    for user_id in user_ids:
        event = ControlEvent.model_validate({"at": "2026-01-01T00:00:00Z", "user_id": user_id})
        messages += await log.append("$control", payload=event.model_dump_json())
    for message in messages:
        stage.runtime.follower.deliver(message)


async def test_an_outage_of_postgres_is_told_of_once_by_whoever_notices_it(
    settings: Settings, log: LogWriter, caplog: pytest.LogCaptureFixture
) -> None:
    often = {"look_seconds": 0.05, "look_seconds_alone": 0.05, "sweep_seconds": 0.05}
    async with (
        ServerProxy(settings.database_url) as proxy,
        staged(settings, database_url=proxy.url, **often) as stage,
    ):
        staff = [await stage.person("staff", Role.STAFF) for _ in range(3)]
        failed = count_failed_looks(stage.runtime)
        async with stage.connected(staff[0]) as player, stage.connected(staff[1]):
            await player.subscribe("orders")
            caplog.clear()
            caplog.set_level(logging.INFO)
            await proxy.go_away()
            await lose_and_change(stage, log, [str(person.id) for person in staff])
            await until(lambda: len(failed) >= TRIES)
            await proxy.come_back()
            await player.transport.offset("orders", 2)
            await until(lambda: set(caplog.messages) >= BACK)
    assert set(caplog.messages) == LOST | BACK
    assert set(Counter(map(line, caplog.records)).values()) == {1}
    assert all(record.exc_info is None for record in caplog.records)
