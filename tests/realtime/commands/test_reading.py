"""`history`: the events of a channel as they were recorded, in the pages that are asked for."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from app.realtime.commands.reading import HISTORY_LIMIT
from app.realtime.log.reader import PAGE_BYTES
from tests.realtime.log_writer import LogWriter, writing
from tests.realtime.stage import Player, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR = 3_600.0


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


@asynccontextmanager
async def a_reader(stage: Stage, count: int = 0) -> AsyncIterator[tuple[Player, LogWriter, str]]:
    """Somebody with an order of their own and so many more events in its channel."""
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with stage.connected(cleo) as player, writing(stage.settings.database_url) as log:
        await log.until("SELECT EXISTS (SELECT FROM channel_log WHERE channel = $1)", channel)
        if count:
            await log.append(channel, count=count)
        yield player, log, channel


async def read(player: Player, channel: str, **fields: Any) -> Any:
    """The page, or the error's code."""
    answer = await player.ask(history={"channel": channel, **fields})
    return answer["error"]["code"] if "error" in answer else answer["history"]


async def offsets(player: Player, channel: str, **fields: Any) -> list[int]:
    page = await read(player, channel, **fields)
    return [pub["offset"] for pub in page["publications"]]


# ------------------------------------------------------------------------- pages


async def test_without_a_limit_only_the_position_is_told(stage: Stage) -> None:
    async with a_reader(stage, 4) as (player, _log, channel):
        position = {"publications": [], "epoch": stage.runtime.follower.epoch, "offset": 5}
        assert await read(player, channel) == position
        assert await read(player, channel, limit=0) == position
        assert await read(player, channel, limit=0, reverse=True) == position


async def test_a_page_begins_at_the_oldest_event_and_tells_the_position(stage: Stage) -> None:
    async with a_reader(stage, 4) as (player, _log, channel):
        page = await read(player, channel, limit=2)
        assert [pub["offset"] for pub in page["publications"]] == [1, 2]
        assert (page["offset"], page["epoch"]) == (5, stage.runtime.follower.epoch)
        assert page["publications"][0]["data"]["type"] == "order.created"
        assert page["publications"][1]["data"] == {"n": 1}


async def test_in_reverse_a_page_begins_at_the_newest_event(stage: Stage) -> None:
    async with a_reader(stage, 4) as (player, _log, channel):
        assert await offsets(player, channel, limit=2, reverse=True) == [5, 4]
        assert await offsets(player, channel, limit=99, reverse=True) == [5, 4, 3, 2, 1]


async def test_as_many_as_there_are_may_be_asked_for(stage: Stage) -> None:
    async with a_reader(stage, 4) as (player, _log, channel):
        assert await offsets(player, channel, limit=-1) == [1, 2, 3, 4, 5]
        assert await offsets(player, channel, limit=1_000_000) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("limit", [-1, HISTORY_LIMIT + 1, 10**9])
async def test_no_page_is_larger_than_the_limit_of_all(stage: Stage, limit: int) -> None:
    async with a_reader(stage, HISTORY_LIMIT + 10) as (player, _log, channel):
        whole = await offsets(player, channel, limit=limit)
        assert whole == list(range(1, HISTORY_LIMIT + 1))
        newest = await offsets(player, channel, limit=limit, reverse=True)
        assert newest == list(range(HISTORY_LIMIT + 11, 11, -1))


async def test_a_page_may_go_on_after_a_position(stage: Stage) -> None:
    async with a_reader(stage, 4) as (player, _log, channel):
        for since, following in ((0, [1, 2]), (1, [2, 3]), (4, [5]), (5, [])):
            position = {"offset": since, "epoch": stage.runtime.follower.epoch}
            assert await offsets(player, channel, limit=2, since=position) == following


async def test_in_reverse_a_page_goes_on_before_a_position(stage: Stage) -> None:
    async with a_reader(stage, 4) as (player, _log, channel):
        for since, before in ((5, [4, 3]), (3, [2, 1]), (2, [1]), (1, [])):
            position = {"offset": since, "epoch": stage.runtime.follower.epoch}
            page = await offsets(player, channel, limit=2, since=position, reverse=True)
            assert page == before


async def test_page_after_page_gives_everything_once(stage: Stage) -> None:
    async with a_reader(stage, 22) as (player, _log, channel):
        seen: list[int] = []
        while page := await offsets(
            player, channel, limit=5, since={"offset": seen[-1] if seen else 0}
        ):
            seen += page
        assert seen == list(range(1, 24))


async def test_a_page_of_large_events_is_shorter_and_the_next_goes_on_from_it(
    stage: Stage,
) -> None:
    async with a_reader(stage) as (player, log, channel):
        large = '{"fill":"%s"}' % ("x" * (PAGE_BYTES // 2))
        await log.append(channel, count=6, payload=large)
        assert await offsets(player, channel, limit=-1, since={"offset": 1}) == [2, 3]
        assert await offsets(player, channel, limit=-1, since={"offset": 3}) == [4, 5]
        newest = await offsets(player, channel, limit=-1, reverse=True)
        assert newest == [7, 6]
        since = {"offset": newest[-1]}
        assert await offsets(player, channel, limit=-1, since=since, reverse=True) == [5, 4]


async def test_a_channel_without_any_event_has_a_position(stage: Stage) -> None:
    async with stage.connected(await stage.staff()) as player:
        channel = f"users:{player.connection.user_id}"
        page = await read(player, channel, limit=5)
        assert page["offset"] == len(page["publications"])
        assert page["epoch"] == stage.runtime.follower.epoch


# -------------------------------------------------------------------- what is left


async def test_what_was_pruned_is_not_told(stage: Stage) -> None:
    async with a_reader(stage, 4) as (player, log, channel):
        await log.cut(channel, [1, 2, 3])
        assert await offsets(player, channel, limit=1) == [4]
        assert await offsets(player, channel, limit=-1, reverse=True) == [5, 4]
        since = {"offset": 3, "epoch": ""}
        assert await offsets(player, channel, limit=-1, since=since) == [4, 5]
        assert await offsets(player, channel, limit=5, since={"offset": 3}, reverse=True) == []


async def test_a_position_older_than_the_log_cannot_be_gone_on_from(stage: Stage) -> None:
    async with a_reader(stage, 4) as (player, log, channel):
        await log.cut(channel, [1, 2, 3])
        assert await read(player, channel, limit=5, since={"offset": 2}) == 112
        assert await read(player, channel, limit=5, since={"offset": 0}) == 112


@pytest.mark.parametrize("reverse", [False, True])
async def test_a_position_that_this_log_does_not_know_is_unrecoverable(
    stage: Stage, *, reverse: bool
) -> None:
    async with a_reader(stage, 4) as (player, _log, channel):
        for position in ({"offset": 6}, {"offset": 10**30}, {"offset": 2, "epoch": "another"}):
            assert await read(player, channel, limit=5, since=position, reverse=reverse) == 112
        assert player.closed is None


async def test_there_is_nothing_before_the_beginning(stage: Stage) -> None:
    async with a_reader(stage, 4) as (player, _log, channel):
        assert await read(player, channel, limit=5, since={"offset": 0}, reverse=True) == 107


# -------------------------------------------------------------------------- bytes


async def test_events_are_byte_for_byte_what_was_recorded_and_what_was_pushed(
    stage: Stage,
) -> None:
    payload = '{"text":"Æ € \\\\ \\"", "n": 1.10,  "big": 12345678901234567890}'
    async with a_reader(stage) as (player, log, channel):
        await player.subscribe(channel)
        await log.append(channel, payload=payload)
        await player.transport.offset(channel, 2)
        live = next(sent for sent in player.transport.sent if payload.encode() in sent)
        page = await read(player, channel, limit=1, reverse=True)
        told = player.transport.sent[-1]
        assert payload.encode() in told
        assert b'{"data":' + payload.encode() + b',"offset":2}' in live
        assert b'{"data":' + payload.encode() + b',"offset":2}' in told
        assert page["publications"] == [{"data": json.loads(payload), "offset": 2}]


async def test_a_page_is_one_message_without_a_newline(stage: Stage) -> None:
    async with a_reader(stage, 50) as (player, _log, channel):
        before = len(player.transport.sent)
        await read(player, channel, limit=-1)
        assert len(player.transport.sent) == before + 1
        assert b"\n" not in player.transport.sent[-1]


# ------------------------------------------------------------------------- who may


async def test_who_may_subscribe_may_read_without_subscribing(stage: Stage) -> None:
    async with a_reader(stage, 1) as (player, _log, channel):
        assert channel not in player.connection.subscriptions
        assert await offsets(player, channel, limit=-1) == [1, 2]
        assert channel not in player.connection.subscriptions


async def test_who_may_not_subscribe_may_not_read(stage: Stage) -> None:
    theirs = await stage.place(await stage.person("omar"))
    async with stage.connected(await stage.person("cleo")) as player:
        for channel in (theirs, f"orders:{uuid4()}", "orders", "users"):
            assert await read(player, channel, limit=5) == 103
        for channel in ("$control", "nonsense:1"):
            assert await read(player, channel, limit=5) == 102
        assert await read(player, "orders:" + "x" * 249, limit=5) == 107
        assert player.closed is None


async def test_a_postgres_that_went_away_is_a_temporary_error(stage: Stage) -> None:
    async with a_reader(stage, 1) as (player, _log, channel):
        await stage.runtime.reader.close()
        try:
            answer = await player.ask(history={"channel": channel, "limit": 5})
        finally:
            await stage.runtime.reader.open()
        assert (answer["error"]["code"], answer["error"]["temporary"]) == (100, True)
        assert await offsets(player, channel, limit=-1) == [1, 2]
