"""Subscribing and recovery on a running application; races on one whose sources are held up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from app.core.config import Settings
from tests.realtime.log_writer import LogWriter, writing
from tests.realtime.stage import Player, Stage, staged
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOMEBODY_ELSE = "users:01a20af4-73a6-711d-ac7d-b9fd4749fdf8"


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


@asynccontextmanager
async def an_audience(stage: Stage) -> AsyncIterator[tuple[Player, LogWriter, str]]:
    """Somebody with an order of their own, a hand that writes its channel, the channel."""
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with stage.connected(cleo) as player, writing(stage.settings.database_url) as log:
        await log.until("SELECT EXISTS (SELECT FROM channel_log WHERE channel = $1)", channel)
        yield player, log, channel


def wanting(stage: Stage, offset: int, **fields: Any) -> dict[str, Any]:
    return {"recover": True, "epoch": stage.runtime.follower.epoch, "offset": offset, **fields}


# ------------------------------------------------------------------------ who may


async def test_a_subscription_starts_at_the_head_with_a_position(stage: Stage) -> None:
    async with an_audience(stage) as (player, log, channel):
        await log.append(channel, count=4)
        result = await player.subscribe(channel)
        assert result == {
            "recoverable": True,
            "positioned": True,
            "epoch": stage.runtime.follower.epoch,
            "offset": 5,
            "was_recovering": False,
            "recovered": False,
        }
        await log.append(channel)
        await player.transport.offset(channel, 6)
        assert player.offsets(channel) == [6]


async def test_who_would_take_deltas_is_given_whole_events(stage: Stage) -> None:
    async with an_audience(stage) as (player, log, channel):
        assert "delta" not in await player.subscribe(channel, delta="fossil")
        await log.append(channel)
        (event,) = await player.transport.offset(channel, 2)
        assert "delta" not in event
        assert isinstance(event["data"], dict)


@pytest.mark.parametrize("channel", ["$control", "nonsense", "nonsense:1", ":", "$orders"])
async def test_a_channel_of_no_feature_is_unknown(stage: Stage, channel: str) -> None:
    async with stage.connected(await stage.staff()) as player:
        assert (await player.subscribe(channel))["code"] == 102


async def test_somebody_elses_order_looks_like_one_that_does_not_exist(stage: Stage) -> None:
    theirs = await stage.place(await stage.person("omar"))
    async with stage.connected(await stage.person("cleo")) as player:
        refused = [
            await player.subscribe(channel)
            for channel in (theirs, f"orders:{uuid4()}", "orders:", "orders:1", theirs.upper())
        ]
        assert [error["code"] for error in refused[:4]] == [103] * 4
        assert refused[0] == refused[1] == refused[2] == refused[3]
        assert player.closed is None


@pytest.mark.parametrize("channel", ["orders", "users", SOMEBODY_ELSE, "users:"])
async def test_a_customer_may_not_follow_everybody(stage: Stage, channel: str) -> None:
    async with stage.connected(await stage.person("cleo")) as player:
        assert (await player.subscribe(channel))["code"] == 103


async def test_a_name_that_is_too_long_is_a_bad_request(stage: Stage) -> None:
    async with stage.connected(await stage.staff()) as player:
        assert (await player.subscribe("orders:" + "x" * 249))["code"] == 107
        assert (await player.subscribe("orders:" + "æ" * 125))["code"] == 107


async def test_a_second_subscription_to_the_same_channel_is_refused(stage: Stage) -> None:
    staff = await stage.staff()
    async with stage.connected(staff) as player:
        await player.subscribe("orders")
        assert (await player.subscribe("orders"))["code"] == 105
        assert (await player.subscribe(f"users:{staff.id}"))["code"] == 105
        assert len(player.connection.subscriptions) == 2


@pytest.mark.asyncio(loop_scope="function")
async def test_channels_are_limited_and_the_own_one_does_not_count(settings: Settings) -> None:
    async with staged(settings, channels_per_connection=2) as stage:
        admin = await stage.admin()
        orders = [await stage.place(admin) for _ in range(2)]
        async with stage.connected(admin) as player:
            assert "epoch" in await player.subscribe(orders[0])
            assert "epoch" in await player.subscribe(orders[1])
            assert (await player.subscribe("orders"))["code"] == 106
            await player.ask(unsubscribe={"channel": orders[0]})
            assert "epoch" in await player.subscribe("orders")


# ----------------------------------------------------------------------- recovery


async def test_what_was_missed_comes_as_pushes_after_the_answer(stage: Stage) -> None:
    async with an_audience(stage) as (player, log, channel):
        await log.append(channel, count=4)
        result = await player.subscribe(channel, **wanting(stage, 2))
        assert (result["recovered"], result["was_recovering"]) == (True, True)
        assert result["offset"] == 2
        assert "publications" not in result
        await log.append(channel)
        await player.transport.offset(channel, 6)
        assert player.offsets(channel) == [3, 4, 5, 6]
        documents = player.transport.documents
        answer = next(n for n, document in enumerate(documents) if "subscribe" in document)
        first = next(n for n, document in enumerate(documents) if channel in str(document))
        assert answer < first


async def test_who_missed_nothing_is_recovered_at_the_head(stage: Stage) -> None:
    async with an_audience(stage) as (player, log, channel):
        result = await player.subscribe(channel, **wanting(stage, 1))
        assert (result["recovered"], result["offset"]) == (True, 1)
        await log.append(channel)
        await player.transport.offset(channel, 2)
        assert player.offsets(channel) == [2]


async def test_without_offset_and_epoch_everything_since_the_beginning_comes(
    stage: Stage,
) -> None:
    async with an_audience(stage) as (player, log, channel):
        await log.append(channel, count=2)
        assert (await player.subscribe(channel, recover=True))["recovered"] is True
        await player.transport.offset(channel, 3)
        assert player.offsets(channel) == [1, 2, 3]


async def test_a_thousand_missed_events_come_once_and_in_order(stage: Stage) -> None:
    async with an_audience(stage) as (player, log, channel):
        await log.append(channel, count=1_200)
        assert (await player.subscribe(channel, **wanting(stage, 1)))["recovered"] is True
        await player.transport.offset(channel, 1_201)
        assert player.offsets(channel) == list(range(2, 1_202))


async def test_a_position_that_this_worker_has_not_reached_is_looked_up(stage: Stage) -> None:
    async with an_audience(stage) as (player, log, channel):
        await stage.runtime.follower.acquire(channel)
        await log.append(channel, count=6)  # another worker's clients have seen these already
        result = await player.subscribe(channel, **wanting(stage, 5))
        assert (result["recovered"], result["offset"]) == (True, 5)
        await player.transport.offset(channel, 7)
        assert player.offsets(channel) == [6, 7]
        stage.runtime.follower.release(channel)


@pytest.mark.parametrize(
    "position",
    [
        {"offset": 99},
        {"offset": 10**30},
        {"epoch": "_"},
        {"epoch": "_", "offset": 0},
        {"epoch": "0123456789abcdef"},
    ],
)
async def test_a_position_that_the_log_does_not_know_starts_at_the_head(
    stage: Stage, position: dict[str, Any]
) -> None:
    async with an_audience(stage) as (player, log, channel):
        await log.append(channel, count=2)
        result = await player.subscribe(channel, **{**wanting(stage, 2), **position})
        assert (result["recovered"], result["was_recovering"]) == (False, True)
        assert result["offset"] == 3
        await log.append(channel)
        await player.transport.offset(channel, 4)
        assert player.offsets(channel) == [4]


async def test_a_position_older_than_the_log_starts_at_the_head(stage: Stage) -> None:
    async with an_audience(stage) as (player, log, channel):
        await log.append(channel, count=4)
        await log.cut(channel, [1, 2, 3])
        result = await player.subscribe(channel, **wanting(stage, 1))
        assert (result["recovered"], result["offset"]) == (False, 5)


async def test_a_position_that_turned_out_to_be_lost_is_not_recovered_again(stage: Stage) -> None:
    async with an_audience(stage) as (player, log, channel):
        await log.append(channel, count=4)
        await stage.runtime.follower.acquire(channel)
        await log.cut(channel, [3])  # after it was learned how far back the log reaches
        assert (await player.subscribe(channel, **wanting(stage, 2)))["recovered"] is True
        assert (await player.transport.push(channel, "unsubscribe"))["code"] == 2500
        result = await player.subscribe(channel, **wanting(stage, 2))
        assert (result["recovered"], result["offset"]) == (False, 5)
        assert player.offsets(channel) == []
        stage.runtime.follower.release(channel)


async def test_the_oldest_position_from_which_the_log_is_whole_is_recovered(
    stage: Stage,
) -> None:
    async with an_audience(stage) as (player, log, channel):
        await log.append(channel, count=4)
        await log.cut(channel, [1, 2, 3])
        assert (await player.subscribe(channel, **wanting(stage, 3)))["recovered"] is True
        await player.transport.offset(channel, 5)
        assert player.offsets(channel) == [4, 5]


async def test_who_asks_for_it_is_told_that_the_position_is_lost(stage: Stage) -> None:
    async with an_audience(stage) as (player, _log, channel):
        error = await player.subscribe(channel, **wanting(stage, 99, flag=3))
        assert (error["code"], error["temporary"]) == (112, False)
        assert channel not in player.connection.subscriptions
        assert (await player.subscribe(channel, flag=2))["recovered"] is False


async def test_flags_that_mean_something_else_do_not_refuse(stage: Stage) -> None:
    async with an_audience(stage) as (player, _log, channel):
        assert (await player.subscribe(channel, **wanting(stage, 99, flag=1)))["offset"] == 1


async def test_an_own_channel_that_cannot_be_recovered_says_so(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    own = f"users:{cleo.id}"
    with stage.player() as player:
        result = await player.connect(cleo, subs={own: wanting(stage, 99)})
        assert result["subs"][own]["recovered"] is False
        assert result["subs"][own]["was_recovering"] is True


# -------------------------------------------------------------------------- together


async def test_subscribing_while_events_arrive_misses_and_repeats_none(stage: Stage) -> None:
    async with an_audience(stage) as (player, log, channel):

        async def write() -> None:
            for _ in range(80):
                await log.append(channel)

        writes = asyncio.create_task(write())
        for turn in range(12):
            first = (await player.subscribe(channel))["offset"] + 1
            await asyncio.sleep(0.01 * (turn % 3))
            await player.ask(unsubscribe={"channel": channel})
            offsets = [offset for offset in player.offsets(channel) if offset >= first]
            assert offsets == list(range(first, first + len(offsets)))
        await writes


async def test_who_leaves_while_subscribing_leaves_nothing_behind(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    with stage.player() as player:
        await player.connect(cleo)
        subscribing = asyncio.create_task(player.tell(subscribe={"channel": channel}))
        await asyncio.sleep(0)
    await subscribing
    await until(lambda: stage.runtime.follower._users.get(channel, 0) == 0)
    assert stage.runtime.manager.audience(channel) == []
