"""`publish`: what the subscribers of an order tell each other while they are there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.realtime.commands.publishing import receive_signal
from app.realtime.fanout.budget import Budget
from tests.application import Person
from tests.realtime.stage import Player, Stage, staged
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

EDITING = {"editing": "note"}


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


@asynccontextmanager
async def at(stage: Stage, person: Person, channel: str) -> AsyncIterator[Player]:
    """Somebody who follows the channel."""
    async with stage.connected(person) as player:
        assert "epoch" in await player.subscribe(channel)
        yield player


async def publish(player: Player, channel: str, data: Any = EDITING) -> Any:
    """The answer: {} or the error's code."""
    answer = await player.ask(publish={"channel": channel, "data": data})
    return answer["error"]["code"] if "error" in answer else answer["publish"]


async def heard(player: Player, channel: str, count: int = 1) -> list[Any]:
    await player.transport.until(lambda: len(player.transport.signals(channel)) >= count)
    return player.transport.signals(channel)


# ------------------------------------------------------------------- who is told


async def test_the_others_are_told_what_was_said_and_by_whom(stage: Stage) -> None:
    cleo, staff = await stage.person("cleo"), await stage.staff()
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here, at(stage, staff, channel) as there:
        assert await publish(here, channel) == {}
        told = await heard(there, channel)
        name = here.connection.info.conn_info
        info = {"user": str(cleo.id), "client": here.connection.id, "conn_info": name}
        assert told == [{"data": EDITING, "info": info}]
        assert name["name"].startswith("Cleo")


async def test_who_says_it_is_not_told_but_their_other_windows_are(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here, at(stage, cleo, channel) as window:
        await publish(here, channel)
        await heard(window, channel)
        await publish(window, channel, {"editing": None})
        assert (await heard(here, channel))[0]["data"] == {"editing": None}
        assert len(here.transport.signals(channel)) == 1
        assert len(window.transport.signals(channel)) == 1


async def test_nobody_is_told_of_another_order(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    mine, other = await stage.place(cleo), await stage.place(cleo)
    async with at(stage, cleo, mine) as here, at(stage, cleo, other) as there:
        await publish(here, mine)
        async with at(stage, cleo, mine) as witness:
            await publish(here, mine)
            await heard(witness, mine)
        assert there.transport.signals(other) == there.transport.signals(mine) == []


async def test_signals_come_in_the_order_in_which_they_were_given(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here, at(stage, cleo, channel) as there:
        for number in range(8):
            await publish(here, channel, {"editing": str(number)})
        told = await heard(there, channel, 8)
        assert [signal["data"]["editing"] for signal in told] == list("01234567")


async def test_who_does_not_read_at_that_moment_is_never_told(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with (
        at(stage, cleo, channel) as here,
        at(stage, cleo, channel) as slow,
        at(stage, cleo, channel) as quick,
    ):
        slow.transport.writable = False
        await publish(here, channel, {"editing": "first"})
        await heard(quick, channel)
        slow.transport.writable = True
        slow.connection.pump()
        await publish(here, channel, {"editing": "second"})
        assert [each["data"]["editing"] for each in await heard(slow, channel)] == ["second"]


async def test_signals_are_never_stored(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here, at(stage, cleo, channel) as there:
        await publish(here, channel)
        await heard(there, channel)
        answer = (await here.ask(history={"channel": channel, "limit": -1}))["history"]
        assert (answer["offset"], len(answer["publications"])) == (1, 1)


@pytest.mark.asyncio(loop_scope="function")
async def test_the_subscribers_of_other_workers_are_told_too(settings: Settings) -> None:
    async with staged(settings) as stage, staged(settings) as other:
        cleo = await stage.person("cleo")
        channel = await stage.place(cleo)
        async with at(stage, cleo, channel) as here, at(other, cleo, channel) as there:
            await until(lambda: stage.runtime.broker.up and other.runtime.broker.up)
            await publish(here, channel)
            assert (await heard(there, channel))[0]["data"] == EDITING


@pytest.mark.asyncio(loop_scope="function")
async def test_while_redis_is_away_a_signal_is_lost_without_a_word(settings: Settings) -> None:
    async with staged(settings, redis_url="redis://127.0.0.1:1") as stage:
        cleo = await stage.person("cleo")
        channel = await stage.place(cleo)
        async with at(stage, cleo, channel) as here:
            assert await publish(here, channel) == {}
            assert here.closed is None


# --------------------------------------------------------------------- who may not


async def test_only_subscribers_may_say_something(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as there, stage.connected(cleo) as here:
        assert await publish(here, channel) == 103
        await here.subscribe(channel)
        assert await publish(here, channel) == {}
        await heard(there, channel)
        await here.ask(unsubscribe={"channel": channel})
        assert await publish(here, channel) == 103
        assert len(there.transport.signals(channel)) == 1


async def test_what_one_may_not_see_one_may_not_say_anything_about(stage: Stage) -> None:
    theirs = await stage.place(await stage.person("omar"))
    async with stage.connected(await stage.person("cleo")) as here:
        assert await publish(here, theirs) == 103
        assert await publish(here, f"orders:{uuid4()}") == 103
        assert await publish(here, "nonsense:1") == 102
        assert here.closed is None


async def test_a_channel_without_signals_takes_none(stage: Stage) -> None:
    admin = await stage.admin()
    async with at(stage, admin, "orders") as here:
        assert await publish(here, "orders") == 108
        assert await publish(here, "users") == 108
        assert await publish(here, f"users:{admin.id}") == 108


@pytest.mark.parametrize(
    "of_a_map", [{"type": 1, "key": "k"}, {"type": 1}, {"key": "k"}, {"removed": True}]
)
async def test_what_is_published_to_a_map_is_told_nobody(stage: Stage, of_a_map: Any) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here, at(stage, cleo, channel) as there:
        answer = await here.ask(publish={"channel": channel, "data": {"editing": "k"}, **of_a_map})
        assert answer["error"]["code"] == 108
        await publish(here, channel)
        assert (await heard(there, channel))[0]["data"] == EDITING


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [],
        "note",
        {"editing": 7},
        {"editing": ["note"]},
        {"editing": "note", "more": 1},
        {"editing": "x" * 101},
    ],
)
async def test_a_signal_of_another_shape_is_a_bad_request(stage: Stage, data: Any) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here, at(stage, cleo, channel) as there:
        assert await publish(here, channel, data) == 107
        await publish(here, channel)
        assert (await heard(there, channel))[0]["data"] == EDITING


def stop_time(stage: Stage, player: Player) -> None:
    """What the player may say is all there, and does not come back."""
    player.connection.budget = Budget.of(stage.settings, lambda: 0.0)


async def test_who_says_too_much_is_refused_and_may_go_on_with_everything_else(
    stage: Stage,
) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here, at(stage, cleo, channel) as there:
        stop_time(stage, here)
        answers = [await publish(here, channel) for _ in range(100)]
        assert answers == [{}] * 10 + [111] * 90
        assert "unsubscribe" in await here.ask(unsubscribe={"channel": "a"})
        assert here.closed is None
        assert len(await heard(there, channel, 10)) == 10


async def test_who_may_not_say_it_is_limited_too_before_postgres_is_asked(stage: Stage) -> None:
    theirs = await stage.place(await stage.person("omar"))
    async with stage.connected(await stage.person("cleo")) as here:
        stop_time(stage, here)
        assert [await publish(here, theirs) for _ in range(12)] == [103] * 10 + [111] * 2


async def test_a_refused_signal_is_to_be_tried_again(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here:
        stop_time(stage, here)
        assert [here.connection.budget.signals.take() for _ in range(11)] == [True] * 10 + [False]
        answer = await here.ask(publish={"channel": channel, "data": EDITING})
        assert (answer["error"]["code"], answer["error"]["temporary"]) == (111, True)


@pytest.mark.parametrize("foreign", [b"", b"nonsense", b"{}", b"[]", b'{"data":1,"info":null}'])
async def test_what_is_no_signal_of_ours_is_told_nobody(stage: Stage, foreign: bytes) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here:
        before = len(here.transport.sent)
        with pytest.raises(ValueError, match="Signal"):
            receive_signal(stage.runtime.manager, channel, foreign)
        assert len(here.transport.sent) == before
