"""Rights that change under a live connection: what ends, what stays, and nothing after."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from app.auth.principals import Role
from app.core.config import Settings
from app.realtime.log.message import Message
from app.realtime.runtime import Runtime
from tests.application import sign_in
from tests.realtime.recording import Document
from tests.realtime.stage import Player, Stage, staged
from tests.waiting import until


@contextmanager
def deaf(runtime: Runtime, channel: str) -> Iterator[None]:
    """The wire loses every message of this channel."""
    hear = runtime.broker.on_message

    def lose(message: Message) -> None:
        if message.channel != channel:
            hear(message)

    runtime.broker.on_message = lose
    yield
    runtime.broker.on_message = hear


def of_channel(player: Player, channel: str) -> list[Document]:
    """Every push in the channel: {"pub": …} or {"unsubscribe": …}."""
    pushes = [document.get("push", {}) for document in player.transport.documents]
    return [push for push in pushes if push.get("channel") == channel]


# ------------------------------------------------------------- on the application


async def test_a_demoted_person_loses_the_channel_and_keeps_their_own(stage: Stage) -> None:
    admin, staff = await stage.admin(), await stage.staff()
    mine = await stage.place(staff)
    async with stage.connected(staff) as player:
        await player.subscribe("orders")
        await player.subscribe(mine)
        await stage.set_role(admin, staff, Role.CUSTOMER)
        assert (await player.transport.push("orders", "unsubscribe"))["code"] == 2000
        told = len(of_channel(player, "orders"))
        await stage.note(staff, mine, "still here")
        await player.transport.document(lambda document: "still here" in json.dumps(document))
        await until(lambda: {mine, f"users:{staff.id}"} == player.connection.subscriptions.keys())
        assert len(of_channel(player, "orders")) == told
        assert (await player.subscribe("orders"))["code"] == 103
        assert player.closed is None


async def test_a_deactivated_person_is_disconnected(stage: Stage) -> None:
    admin, cleo = await stage.admin(), await stage.person("cleo")
    async with stage.connected(cleo) as player:
        await stage.deactivate(admin, cleo)
        assert (await player.transport.until_closed())[0] == 3503
        assert player.connection.closed


async def test_signing_out_closes_that_sessions_sockets_only(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    elsewhere = await sign_in(stage.client, cleo.email)
    async with stage.connected(cleo) as here, stage.connected(elsewhere) as there:
        await stage.sign_out(cleo)
        assert (await here.transport.until_closed())[0] == 3503
        await stage.place(elsewhere)
        await there.transport.document(lambda document: "order.created" in json.dumps(document))
        assert there.closed is None


async def test_a_deleted_order_ends_its_channel_after_its_last_event(stage: Stage) -> None:
    admin = await stage.admin()
    channel = await stage.place(admin)
    async with stage.connected(admin) as player:
        await player.subscribe(channel)
        await stage.delete(admin, channel)
        assert (await player.transport.push(channel, "unsubscribe"))["code"] == 2000
        last, end = of_channel(player, channel)[-2:]
        assert last["pub"]["data"]["type"] == "order.deleted"
        assert "unsubscribe" in end
        assert (await player.subscribe(channel))["code"] == 103


async def test_without_redis_a_deleted_order_ends_its_channel_in_the_same_order(
    settings: Settings,
) -> None:
    async with staged(settings, redis_url="redis://127.0.0.1:1") as stage:
        admin = await stage.admin()
        channel = await stage.place(admin)
        async with stage.connected(admin) as player:
            await player.subscribe(channel)
            await stage.delete(admin, channel)
            assert (await player.transport.push(channel, "unsubscribe"))["code"] == 2000
            last, end = of_channel(player, channel)[-2:]
            assert last["pub"]["data"]["type"] == "order.deleted"
            assert "unsubscribe" in end


async def test_a_lost_control_message_is_made_up_for_by_a_look(settings: Settings) -> None:
    async with staged(settings, look_seconds=0.2) as stage:
        admin, cleo = await stage.admin(), await stage.person("cleo")
        async with stage.connected(cleo) as player:
            with deaf(stage.runtime, "$control"):
                await stage.deactivate(admin, cleo)
                assert (await player.transport.until_closed())[0] == 3503


async def test_without_redis_rights_end_all_the_same(settings: Settings) -> None:
    async with staged(settings, redis_url="redis://127.0.0.1:1") as stage:
        admin, staff = await stage.admin(), await stage.staff()
        async with stage.connected(staff) as player:
            await player.subscribe("orders")
            await stage.set_role(admin, staff, Role.CUSTOMER)
            assert (await player.transport.push("orders", "unsubscribe"))["code"] == 2000


async def test_control_is_heard_over_redis(settings: Settings) -> None:
    async with staged(settings, look_seconds=60) as stage:
        admin, cleo = await stage.admin(), await stage.person("cleo")
        async with stage.connected(cleo) as player:
            await stage.deactivate(admin, cleo)
            assert (await player.transport.until_closed())[0] == 3503
