"""Commands on a running application: what a client is answered, and when it is closed."""

import logging
from typing import Any

import pytest
from sqlalchemy import text

from app.core.config import Settings
from tests.realtime.guarded import guarding
from tests.realtime.stage import Stage, staged

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


# ----------------------------------------------------------------- unsubscribe


async def test_unsubscribe_ends_a_subscription(stage: Stage) -> None:
    staff = await stage.staff()
    async with stage.connected(staff) as player:
        await player.subscribe("orders")
        assert (await player.ask(unsubscribe={"channel": "orders"}))["unsubscribe"] == {}
        await stage.place(staff)
        await player.transport.offset(f"users:{staff.id}", 2)
        assert player.offsets("orders") == []
        assert "epoch" in await player.subscribe("orders")


async def test_unsubscribe_succeeds_where_nothing_was_subscribed(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo) as player:
        for channel in ("orders", "nonsense:1", "$control"):
            assert "unsubscribe" in await player.ask(unsubscribe={"channel": channel})


# --------------------------------------------------------------- not available


@pytest.mark.parametrize(
    "command",
    [
        {"publish": {"channel": "orders", "data": {}}},
        {"presence": {"channel": "orders"}},
        {"presence_stats": {"channel": "orders"}},
        {"rpc": {"method": "m"}},
        {"ping": {}},
        {"sub_refresh": {"channel": "orders", "token": "t"}},
        {"subscribe": {"channel": "orders", "type": 1}},
        {"subscribe": {"channel": "orders", "tf": {}}},
        {"subscribe": {"channel": "orders", "tf": {"cmp": "eq", "key": "k", "val": "v"}}},
    ],
)
async def test_what_a_channel_does_not_offer_is_not_available(stage: Stage, command: Any) -> None:
    staff = await stage.staff()
    async with stage.connected(staff) as player:
        assert (await player.ask(**command))["error"]["code"] == 108
        assert player.closed is None


async def test_a_send_closes(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo) as player:
        await player.say('{"send":{"data":1}}')
        assert player.closed == 3508


# ---------------------------------------------------------------------- limits


async def test_ten_thousand_commands_are_answered_then_refused_then_closed(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo) as player:
        documents = [player.command(unsubscribe={"channel": "a"})[1] for _ in range(10_000)]
        await player.say("\n".join(documents))
        answers = [document for document in player.transport.documents if "connect" not in document]
        assert all("error" not in answer for answer in answers[:299])
        refused = [answer for answer in answers if "error" in answer]
        assert {answer["error"]["code"] for answer in refused} == {111}
        assert len(answers) < 1_500
        assert player.closed == 3013


@pytest.mark.asyncio(loop_scope="function")
async def test_without_a_limit_all_commands_are_answered(settings: Settings) -> None:
    async with staged(settings, commands_per_second=0) as stage:
        cleo = await stage.person("cleo")
        async with stage.connected(cleo) as player:
            documents = [player.command(unsubscribe={"channel": "a"})[1] for _ in range(2_000)]
            await player.say("\n".join(documents))
            answered = {
                document["id"] for document in player.transport.documents if "id" in document
            }
            assert len(answered) == 2_001


async def test_a_ping_may_be_answered_once(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo) as player:
        timing = player.connection.timing
        timing.pinged, timing.pong_by = True, 1e9  # as after a ping
        await player.say("{}")
        assert player.closed is None
        assert not timing.pinged
        assert player.connection.timing.pong_by is None
        await player.say("{}")
        assert player.closed == 3501


# --------------------------------------------------------------- postgres away


def told_of_commands(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if message.startswith("command")]


async def test_a_postgres_that_went_away_is_a_temporary_error(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    staff = await stage.staff()
    channel = await stage.place(staff)
    async with stage.connected(staff) as player:
        await stage.runtime.reader.close()
        try:
            error = await player.subscribe(channel)
        finally:
            await stage.runtime.reader.open()
        assert (error["code"], error["temporary"]) == (100, True)
        assert player.closed is None
        assert "epoch" in await player.subscribe(channel)
    [told] = [record for record in caplog.records if record.message == "command failed"]
    assert (told.levelname, told.exc_info) == ("WARNING", None)


@pytest.mark.asyncio(loop_scope="function")
async def test_an_outage_is_told_of_once_though_some_commands_do_without(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with guarding(settings) as desk, desk.connected(desk.somebody()) as player:
        desk.rooms.failing.add("a")
        for _ in range(5):
            assert (await player.subscribe("rooms:a"))["code"] == 100
            await player.ask(unsubscribe={"channel": "rooms:b"})
        assert told_of_commands(caplog) == ["command failed"]
        desk.runtime.stations.outage._calm_seconds = 0
        await player.ask(unsubscribe={"channel": "rooms:b"})
        assert told_of_commands(caplog) == ["command failed", "commands work again"]


async def test_a_statement_that_postgres_refuses_is_told_of_with_where_it_comes_from(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    staff = await stage.staff()
    channel = await stage.place(staff)
    async with stage.connected(staff) as player, stage.application.sessions() as session:
        await session.execute(text("ALTER TABLE channels RENAME TO elsewhere"))
        await session.commit()
        try:
            error = await player.subscribe(channel)
        finally:
            await session.execute(text("ALTER TABLE elsewhere RENAME TO channels"))
            await session.commit()
    assert (error["code"], error["temporary"]) == (100, True)
    [told] = [record for record in caplog.records if record.message == "command failed"]
    assert (told.levelname, bool(told.exc_info)) == ("ERROR", True)


async def test_the_rest_of_a_message_is_carried_out_after_an_error(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo) as player:
        first, refused = player.command(subscribe={"channel": "orders"})
        second, allowed = player.command(unsubscribe={"channel": "orders"})
        await player.say(f"{refused}\n{allowed}")
        assert (await player.transport.reply(first))["error"]["code"] == 103
        assert "unsubscribe" in await player.transport.reply(second)


async def test_what_comes_after_the_close_of_a_message_is_not_carried_out(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo) as player:
        sent = len(player.transport.sent)
        _number, document = player.command(unsubscribe={"channel": "orders"})
        await player.say(f"{{}}\n{document}")  # a pong that nobody asked for
        assert (player.closed, len(player.transport.sent)) == (3501, sent)


async def test_answers_come_in_the_order_of_the_commands(stage: Stage) -> None:
    staff = await stage.staff()
    async with stage.connected(staff) as player:
        commands = [
            player.command(**{method: {"channel": "orders"}})
            for method in ["subscribe", "unsubscribe"] * 20
        ]
        await player.say("\n".join(document for _number, document in commands))
        answered = [document["id"] for document in player.transport.documents if "id" in document]
        assert answered[1:] == [number for number, _document in commands]
