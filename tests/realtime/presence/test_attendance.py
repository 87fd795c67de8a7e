"""Presence on a running application: who is seen on an order, and who is told of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.realtime.fanout.connection import Connection
from tests.application import Person
from tests.realtime.stage import Player, Stage, staged

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


@asynccontextmanager
async def at(stage: Stage, person: Person, channel: str, **fields: Any) -> AsyncIterator[Player]:
    """Somebody who follows the channel."""
    async with stage.connected(person) as player:
        assert "epoch" in await player.subscribe(channel, **fields)
        yield player


async def present(player: Player, channel: str) -> Any:
    """Who is there, by connection; or the error's code."""
    answer = await player.ask(presence={"channel": channel})
    return answer["error"]["code"] if "error" in answer else answer["presence"]["presence"]


async def counted(player: Player, channel: str) -> Any:
    answer = await player.ask(presence_stats={"channel": channel})
    return answer["error"]["code"] if "error" in answer else answer["presence_stats"]


async def told(player: Player, channel: str, change: str, who: Connection) -> Any:
    """That this connection came or went."""

    def is_it() -> bool:
        changes = player.transport.pushes(channel, change)
        return any(each["info"]["client"] == who.id for each in changes)

    await player.transport.until(is_it)
    changes = player.transport.pushes(channel, change)
    (info,) = (each["info"] for each in changes if each["info"]["client"] == who.id)
    return info


def as_told(connection: Connection) -> dict[str, Any]:
    return connection.info.model_dump()


# ----------------------------------------------------------------------- presence


async def test_who_follows_an_order_is_there(stage: Stage) -> None:
    cleo, staff = await stage.person("cleo"), await stage.staff()
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here, at(stage, staff, channel) as there:
        assert await present(here, channel) == {
            here.connection.id: as_told(here.connection),
            there.connection.id: as_told(there.connection),
        }


async def test_clients_and_people_are_counted(stage: Stage) -> None:
    cleo, staff = await stage.person("cleo"), await stage.staff()
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here:
        async with at(stage, cleo, channel), at(stage, staff, channel):
            assert await counted(here, channel) == {"num_clients": 3, "num_users": 2}
        assert await counted(here, channel) == {"num_clients": 1, "num_users": 1}


async def test_who_unsubscribed_is_not_there(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as here:
        await here.ask(unsubscribe={"channel": channel})
        assert await present(here, channel) == {}


async def test_one_may_ask_who_is_there_without_being_there(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as there, stage.connected(cleo) as here:
        assert list(await present(here, channel)) == [there.connection.id]


async def test_who_may_not_subscribe_may_not_ask_who_is_there(stage: Stage) -> None:
    theirs = await stage.place(await stage.person("omar"))
    async with stage.connected(await stage.person("cleo")) as player:
        for channel in (theirs, f"orders:{uuid4()}", "orders"):
            assert await present(player, channel) == 103
            assert await counted(player, channel) == 103
        assert await present(player, "nonsense") == 102


async def test_nobody_is_seen_where_there_is_no_presence(stage: Stage) -> None:
    admin = await stage.admin()
    async with at(stage, admin, "orders", join_leave=True) as player:
        for channel in ("orders", "users", f"users:{admin.id}"):
            assert await present(player, channel) == 108
            assert await counted(player, channel) == 108
        async with at(stage, admin, "orders"):
            await stage.place(admin)
            await player.transport.push("orders")
        assert player.transport.pushes("orders", "join") == []
        assert player.transport.pushes("orders", "leave") == []


@pytest.mark.asyncio(loop_scope="function")
async def test_while_redis_is_away_presence_is_a_temporary_error(settings: Settings) -> None:
    async with staged(settings, redis_url="redis://127.0.0.1:1") as stage:
        cleo = await stage.person("cleo")
        channel = await stage.place(cleo)
        async with at(stage, cleo, channel) as player:
            answer = await player.ask(presence={"channel": channel})
            assert (answer["error"]["code"], answer["error"]["temporary"]) == (100, True)
            assert player.closed is None


# ---------------------------------------------------------------- joins and leaves


async def test_who_asked_for_it_is_told_who_comes_and_goes(stage: Stage) -> None:
    cleo, staff = await stage.person("cleo"), await stage.staff()
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel, join_leave=True) as here:
        async with at(stage, staff, channel) as there:
            assert await told(here, channel, "join", there.connection) == as_told(there.connection)
            gone = there.connection
        assert await told(here, channel, "leave", gone) == as_told(gone)


async def test_who_goes_while_ones_rights_are_looked_at_is_told_afterwards(stage: Stage) -> None:
    cleo, staff = await stage.person("cleo"), await stage.staff()
    channel = await stage.place(cleo)
    async with (
        at(stage, cleo, channel, join_leave=True) as here,
        at(stage, cleo, channel, join_leave=True) as beside,
    ):
        async with at(stage, staff, channel) as there:
            await told(here, channel, "join", there.connection)
            here.connection.subscriptions[channel].suspended = True
        await told(beside, channel, "leave", there.connection)
        assert here.transport.pushes(channel, "leave") == []
        stage.runtime.access._resume(here.connection)
        await told(here, channel, "leave", there.connection)


async def test_who_did_not_ask_is_not_told(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel) as silent, at(stage, cleo, channel, join_leave=True) as one:
        async with at(stage, cleo, channel) as other:
            await told(one, channel, "join", other.connection)
        await told(one, channel, "leave", other.connection)
        assert silent.transport.pushes(channel, "join") == []
        assert silent.transport.pushes(channel, "leave") == []


async def test_one_is_told_of_ones_own_coming_after_the_answer(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with at(stage, cleo, channel, join_leave=True) as here:
        assert await told(here, channel, "join", here.connection) == as_told(here.connection)
        documents = here.transport.documents
        answer = next(n for n, document in enumerate(documents) if "subscribe" in document)
        join = next(n for n, document in enumerate(documents) if "join" in document.get("push", {}))
        assert answer < join


async def test_who_unsubscribed_is_told_nothing_more_and_the_others_are(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    channel = await stage.place(cleo)
    async with (
        at(stage, cleo, channel, join_leave=True) as stays,
        at(stage, cleo, channel, join_leave=True) as leaves,
    ):
        await told(stays, channel, "join", leaves.connection)
        await leaves.ask(unsubscribe={"channel": channel})
        await told(stays, channel, "leave", leaves.connection)
        async with at(stage, cleo, channel) as late:
            await told(stays, channel, "join", late.connection)
        assert leaves.transport.pushes(channel, "leave") == []
        joined = [each["info"]["client"] for each in leaves.transport.pushes(channel, "join")]
        assert late.connection.id not in joined


@pytest.mark.asyncio(loop_scope="function")
async def test_those_on_other_workers_are_seen_and_told_too(settings: Settings) -> None:
    async with staged(settings) as stage, staged(settings) as other:
        cleo = await stage.person("cleo")
        channel = await stage.place(cleo)
        async with at(stage, cleo, channel, join_leave=True) as here:
            async with at(other, cleo, channel) as there:
                await told(here, channel, "join", there.connection)
                assert len(await present(here, channel)) == 2
            await told(here, channel, "leave", there.connection)
            assert list(await present(here, channel)) == [here.connection.id]
