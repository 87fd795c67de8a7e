"""The official Python SDK in Protobuf, as the SDKs for Swift, Kotlin and Dart speak it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from centrifuge import (
    Client,
    ConnectingContext,
    JoinContext,
    PublicationContext,
    ReplyError,
    ServerPublicationContext,
    SubscribedContext,
    Subscription,
    UnsubscribedContext,
)
from httpx import AsyncClient

from app.embedded import Services
from tests.conftest import make_settings
from tests.databases import fresh_database
from tests.end_to_end.conftest import create_people
from tests.end_to_end.orders import place_order, token_of
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.stage import Stage
from tests.end_to_end.subscriber import WAIT_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")

GetToken = Callable[[], Awaitable[str]]


class Inbox:
    """What the SDK's callbacks brought; data as the bytes that they are."""

    def __init__(self) -> None:
        self.publications: asyncio.Queue[Any] = asyncio.Queue()
        self.own: asyncio.Queue[Any] = asyncio.Queue()
        self.subscribed: asyncio.Queue[SubscribedContext] = asyncio.Queue()
        self.unsubscribed: asyncio.Queue[UnsubscribedContext] = asyncio.Queue()
        self.joined: asyncio.Queue[Any] = asyncio.Queue()
        self.connecting: list[ConnectingContext] = []

    async def on_connecting(self, context: ConnectingContext) -> None:
        self.connecting.append(context)

    async def on_server_publication(self, context: ServerPublicationContext) -> None:
        await self.own.put(context.pub)

    async def on_publication(self, context: PublicationContext) -> None:
        await self.publications.put(context.pub)

    async def on_subscribed(self, context: SubscribedContext) -> None:
        await self.subscribed.put(context)

    async def on_unsubscribed(self, context: UnsubscribedContext) -> None:
        await self.unsubscribed.put(context)

    async def on_join(self, context: JoinContext) -> None:
        await self.joined.put(context.info)


class Guest:
    """Somebody with the SDK."""

    def __init__(self, client: Client, inbox: Inbox) -> None:
        self.client = client
        self.inbox = inbox

    async def subscribe(self, channel: str, **options: Any) -> tuple[Subscription, Any]:
        """The subscription, and how it began."""
        subscription = self.client.new_subscription(channel, **options)
        for name in ("on_publication", "on_subscribed", "on_unsubscribed", "on_join"):
            setattr(subscription.events, name, getattr(self.inbox, name))
        await subscription.subscribe()
        return subscription, await within(self.inbox.subscribed.get())

    def cut(self) -> None:
        """Drop the connection below the SDK, without a word."""
        self.client._conn.transport.abort()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    directory = tmp_path_factory.mktemp("sdk")
    async with fresh_database(template) as url, AsyncClient(timeout=30) as http:
        settings = make_settings(url, template, directory)
        yield Stage(settings, await create_people(settings), http, directory)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(stage: Stage) -> AsyncIterator[ServerProcess]:
    """One for all of these tests."""
    async with stage.serving(workers=1) as server:
        yield server


async def test_the_sdk_connects_subscribes_and_recovers(
    stage: Stage, server: ServerProcess
) -> None:
    token = await stage.token(server, "staff")
    async with guest(server, given(token)) as staff:
        _, first = await staff.subscribe("orders")
        one = await place_order(stage.http, server.url, token)
        assert await order_of(staff.inbox.publications) == one["id"]
        assert await order_of(staff.inbox.own) == one["id"]

        staff.cut()
        two = await place_order(stage.http, server.url, token)
        again = await within(staff.inbox.subscribed.get())

        assert (first.recovered, again.recovered) == (False, True)
        assert await order_of(staff.inbox.publications) == two["id"]
        assert await order_of(staff.inbox.own) == two["id"]
        three = await place_order(stage.http, server.url, token)  # nothing came before it
        assert await order_of(staff.inbox.publications) == three["id"]
        assert await order_of(staff.inbox.own) == three["id"]


async def test_history_gives_what_was_published_byte_for_byte(
    stage: Stage, server: ServerProcess
) -> None:
    token = await stage.token(server, "staff")
    async with guest(server, given(token)) as staff:
        orders, begun = await staff.subscribe("orders")
        for _ in range(3):
            await place_order(stage.http, server.url, token)
        live = [await within(staff.inbox.publications.get()) for _ in range(3)]

        history = await orders.history(limit=-1, since=begun.stream_position)

        assert [(pub.offset, pub.data) for pub in history.publications] == [
            (pub.offset, pub.data) for pub in live
        ]
        assert (history.offset, history.epoch) == (live[-1].offset, begun.stream_position.epoch)


async def test_those_on_an_order_see_and_signal_each_other(
    stage: Stage, server: ServerProcess
) -> None:
    cleos, staffs = await stage.token(server, "cleo"), await stage.token(server, "staff")
    channel = f"orders:{(await place_order(stage.http, server.url, cleos))['id']}"
    async with guest(server, given(cleos)) as cleo, guest(server, given(staffs)) as staff:
        on_order, _ = await cleo.subscribe(channel, join_leave=True)
        assert json.loads((await within(cleo.inbox.joined.get())).conn_info) == {"name": "Cleo"}
        staffs_end, _ = await staff.subscribe(channel)
        assert json.loads((await within(cleo.inbox.joined.get())).conn_info) == {"name": "Staff"}

        there = await on_order.presence()
        count = await on_order.presence_stats()
        await staffs_end.publish(b'{"editing": "note"}')
        signal = await within(cleo.inbox.publications.get())

        names = {json.loads(info.conn_info)["name"] for info in there.clients.values()}
        assert names == {"Cleo", "Staff"}
        assert (count.num_clients, count.num_users) == (2, 2)
        assert json.loads(signal.data) == {"editing": "note"}
        assert json.loads(signal.info.conn_info) == {"name": "Staff"}


async def test_a_signal_that_is_no_json_is_an_error_and_nothing_worse(
    stage: Stage, server: ServerProcess
) -> None:
    token = await stage.token(server, "cleo")
    channel = f"orders:{(await place_order(stage.http, server.url, token))['id']}"
    async with guest(server, given(token)) as cleo:
        subscription, _ = await cleo.subscribe(channel)
        for data in (b"{", b"\xff", b""):
            with pytest.raises(ReplyError) as refused:
                await subscription.publish(data)
            assert refused.value.code == 107
        await subscription.publish(b'{"editing": null}')
        assert len(cleo.inbox.connecting) == 1


async def test_what_may_not_be_subscribed_is_refused_with_its_code(
    stage: Stage, server: ServerProcess
) -> None:
    async with guest(server, given(await stage.token(server, "cleo"))) as cleo:
        subscription = cleo.client.new_subscription("orders")
        subscription.events.on_unsubscribed = cleo.inbox.on_unsubscribed
        await subscription.subscribe()
        assert (await within(cleo.inbox.unsubscribed.get())).code == 103


async def test_a_new_token_is_taken_in_place(stage: Stage, tmp_path: Path) -> None:
    asked: asyncio.Queue[None] = asyncio.Queue()
    elsewhere = replace(stage, directory=tmp_path)

    async with elsewhere.serving(workers=1, ACCESS_TOKEN_SECONDS="2") as server:

        async def sign_in() -> str:
            await asked.put(None)
            return await token_of(stage.http, server.url, stage.people["cleo"])

        async with guest(server, sign_in) as cleo:
            for _ in range(3):  # each is asked for once the one before was accepted
                await within(asked.get())
            token = await stage.token(server, "cleo")
            placed = await place_order(stage.http, server.url, token)
            assert await order_of(cleo.inbox.own) == placed["id"]
            assert len(cleo.inbox.connecting) == 1


@asynccontextmanager
async def guest(server: ServerProcess, get_token: GetToken) -> AsyncIterator[Guest]:
    """Somebody who is connected."""

    async def call(_context: Any = None) -> str:
        return await get_token()

    inbox = Inbox()
    client = Client(server.socket_url, get_token=call, min_reconnect_delay=0.1, use_protobuf=True)
    client.events.on_connecting = inbox.on_connecting
    client.events.on_publication = inbox.on_server_publication
    await client.connect()
    try:
        await client.ready()
        yield Guest(client, inbox)
    finally:
        await client.disconnect()


def given(token: str) -> GetToken:
    async def get_token() -> str:
        return token

    return get_token


async def order_of(publications: "asyncio.Queue[Any]") -> str:
    """The order that the next event is about."""
    event = json.loads((await within(publications.get())).data)
    return str(event["order"]["id"])


async def within(waited: Any) -> Any:
    async with asyncio.timeout(WAIT_SECONDS):
        return await waited
