"""`ops`: who is told the figures of the workers, how often, and what can be asked there."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.auth.principals import Role
from app.core.config import Settings
from app.realtime.figures import WorkerFigures
from app.realtime.ops import OPS_CHANNEL, each_second
from tests.realtime.brokers import frozen, own_valkey
from tests.realtime.stage import Player, Stage, staged

RIGHTS_SECONDS = 5.0


@asynccontextmanager
async def watching(stage: Stage) -> AsyncIterator[Player]:
    """An admin on `ops`."""
    async with stage.connected(await stage.admin()) as player:
        await player.subscribe(OPS_CHANNEL)
        yield player


async def told(player: Player, count: int = 1, seconds: float = 10.0) -> list[WorkerFigures]:
    """So many figures, once they are there."""
    transport = player.transport
    await transport.until(lambda: len(transport.signals(OPS_CHANNEL)) >= count, seconds=seconds)
    return [
        WorkerFigures.model_validate(one["data"], extra="forbid")
        for one in transport.signals(OPS_CHANNEL)[:count]
    ]


async def refusal(player: Player, **command: Any) -> int:
    code: int = (await player.ask(**command))["error"]["code"]
    return code


# ------------------------------------------------------------------ who, and what for


@pytest.mark.parametrize("role", [Role.STAFF, Role.CUSTOMER])
async def test_only_admins_may_follow_it(stage: Stage, role: Role) -> None:
    async with stage.connected(await stage.person("somebody", role)) as player:
        assert await refusal(player, subscribe={"channel": OPS_CHANNEL}) == 103


async def test_its_subscription_knows_no_positions(stage: Stage) -> None:
    async with stage.connected(await stage.admin()) as player:
        assert await player.ask(subscribe={"channel": OPS_CHANNEL}) == {"id": 2, "subscribe": {}}
        assert await refusal(player, subscribe={"channel": OPS_CHANNEL}) == 105


async def test_a_position_that_a_client_wants_is_not_recovered(stage: Stage) -> None:
    position = {"recover": True, "epoch": "", "offset": 3}
    async with stage.connected(await stage.admin()) as player:
        strict = {"channel": OPS_CHANNEL, **position, "flag": 2}
        assert await refusal(player, subscribe=strict) == 112
        assert (await player.ask(subscribe={"channel": OPS_CHANNEL, **position}))["subscribe"] == {}


@pytest.mark.parametrize(
    "command",
    [
        {"presence": {}},
        {"presence_stats": {}},
        {"history": {"limit": 10}},
        {"publish": {"data": {"connections": 0}}},
    ],
)
async def test_nothing_but_following_is_offered(stage: Stage, command: dict[str, Any]) -> None:
    ((method, fields),) = command.items()
    async with watching(stage) as player:
        assert await refusal(player, **{method: {"channel": OPS_CHANNEL, **fields}}) == 108


async def test_there_is_one_such_channel(stage: Stage) -> None:
    async with stage.connected(await stage.admin()) as player:
        assert await refusal(player, subscribe={"channel": "ops:1"}) == 103


async def test_who_is_no_admin_any_more_is_told_nothing_more(stage: Stage) -> None:
    chief, demoted = await stage.admin(), await stage.admin()
    async with watching(stage) as other, stage.connected(demoted) as player:
        await player.subscribe(OPS_CHANNEL)
        await told(player)
        await stage.set_role(chief, demoted, Role.STAFF)
        ended = await player.transport.push(OPS_CHANNEL, "unsubscribe", seconds=RIGHTS_SECONDS)
        assert ended["code"] == 2000

        heard = len(player.transport.signals(OPS_CHANNEL))
        await told(other, len(other.transport.signals(OPS_CHANNEL)) + 1)
        assert len(player.transport.signals(OPS_CHANNEL)) == heard


async def test_nothing_of_it_is_stored_or_looked_for_in_the_log(stage: Stage) -> None:
    async with watching(stage) as player:
        await told(player)
        (here,) = stage.runtime.manager.audience(OPS_CHANNEL)
        assert (here.log.head, here.log.target, here.is_behind) == (0, 0, False)
        _epoch, extents = await stage.runtime.reader.extents([OPS_CHANNEL], reason=None)
        assert extents[OPS_CHANNEL] == (0, 0)


# ---------------------------------------------------------------------- what is told


async def test_the_figures_are_those_of_the_worker(stage: Stage) -> None:
    async with watching(stage) as player:
        first, second = await told(player, 2)

    runtime = stage.runtime
    assert (first.worker, first.pid) == (second.worker, second.pid)
    assert second.connections == 1
    assert second.channels >= 3  # its own, `ops` and `$control`
    assert (second.redis_up, second.postgres_up, second.draining) == (True, True, False)
    assert second.uptime_s > first.uptime_s >= 0
    assert datetime.now(UTC) - second.at < timedelta(seconds=10)
    assert second.loop_lag_ms is not None
    assert runtime.relay.pending == second.relay_pending == 0


async def test_an_event_is_in_the_figures_of_the_second_it_came_in(stage: Stage) -> None:
    async with watching(stage) as player, stage.connected(await stage.staff()) as staff:
        await staff.subscribe("orders")
        await told(player)
        await stage.place(await stage.person("cleo"))
        await staff.transport.push("orders")
        known = len(player.transport.signals(OPS_CHANNEL))
        figures = await told(player, known + 2)

    busy = [one for one in figures if one.deliveries_per_s > 0]
    assert busy
    assert any(one.relayed_per_s > 0 for one in figures)
    assert any(one.delivered_bytes_per_s > 100 for one in busy)
    measured = [one for one in figures if one.commit_to_socket_p50_ms is not None]
    assert measured
    for one in measured:
        assert one.commit_to_socket_p99_ms is not None
        assert 0 < (one.commit_to_socket_p50_ms or 0) <= one.commit_to_socket_p99_ms < 10_000


async def test_a_worker_that_ends_says_so(stage: Stage) -> None:
    async with watching(stage) as player:
        await told(player)
        stage.runtime.draining = True
        known = len(player.transport.signals(OPS_CHANNEL))
        assert (await told(player, known + 1))[-1].draining


async def test_figures_of_another_worker_come_too(settings: Settings) -> None:
    async with staged(settings) as here, staged(settings) as there, watching(here) as player:
        names = {here.runtime.broker.key(""), there.runtime.broker.key("")}
        assert len(names) == 1
        figures = await told(player, 4)

    assert len({one.worker for one in figures}) == 2


async def test_without_redis_a_worker_tells_those_who_are_connected_to_it(
    settings: Settings, tmp_path: Path
) -> None:
    with own_valkey(tmp_path / "valkey") as valkey:
        async with staged(settings, redis_url=valkey.url) as stage, watching(stage) as player:
            await told(player)
            with frozen(valkey):
                await player.transport.until(lambda: not last(player)["redis_up"], seconds=15)
                known = len(player.transport.signals(OPS_CHANNEL))
                assert not (await told(player, known + 1))[-1].redis_up
            await player.transport.until(lambda: last(player)["redis_up"], seconds=15)


# ------------------------------------------------------------------------- how often


class Clock:
    """Seconds that pass only while somebody sleeps, or as the test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def read(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_a_second_stays_a_second_however_long_telling_takes() -> None:
    clock, at = Clock(), []
    async with aclosing(each_second(clock.read, clock.sleep)) as seconds:
        async for _ in seconds:
            at.append(clock.now)
            clock.now += 0.3
            if len(at) == 4:
                break

    assert at == pytest.approx([101.0, 102.0, 103.0, 104.0])


async def test_seconds_that_were_missed_are_not_made_up_for() -> None:
    clock, at = Clock(), []
    async with aclosing(each_second(clock.read, clock.sleep)) as seconds:
        async for _ in seconds:
            at.append(clock.now)
            clock.now += 5.5 if len(at) == 1 else 0
            if len(at) == 3:
                break

    assert at == pytest.approx([101.0, 106.5, 107.5])


def last(player: Player) -> dict[str, Any]:
    figures: dict[str, Any] = player.transport.signals(OPS_CHANNEL)[-1]["data"]
    return figures


async def test_a_time_at_a_full_second_has_its_microseconds(stage: Stage) -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    async with watching(stage) as player:
        [figures] = await told(player)
    at_noon = figures.model_copy(update={"at": noon, "started_at": noon})
    shown = "2026-01-31T12:00:00.000000Z"
    dumped = at_noon.model_dump(mode="json", include={"at", "started_at"})
    assert dumped == {"at": shown, "started_at": shown}
