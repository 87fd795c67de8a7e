"""The official Python SDK, as it comes: connect, own channel, subscribe, publication, recovery."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from centrifuge import (
    Client,
    PublicationContext,
    ServerPublicationContext,
    SubscribedContext,
)
from httpx import AsyncClient

from app.core.config import Settings
from tests.end_to_end.orders import place_order, token_of
from tests.end_to_end.server import ServerProcess, serving
from tests.end_to_end.subscriber import WAIT_SECONDS


@pytest.fixture(params=["off", "on"], ids=["plain", "compressed"])
async def server(
    request: pytest.FixtureRequest, settings: Settings, tmp_path: Path
) -> AsyncIterator[ServerProcess]:
    """The SDK offers compression by itself."""
    services = settings.database_url, settings.redis_url
    async with serving(*services, tmp_path, TANDEM_COMPRESSION=request.param) as server:
        yield server


class Inbox:
    """What the SDK's callbacks brought."""

    def __init__(self) -> None:
        self.orders: asyncio.Queue[str] = asyncio.Queue()
        self.own: asyncio.Queue[str] = asyncio.Queue()
        self.subscribed: asyncio.Queue[SubscribedContext] = asyncio.Queue()

    async def on_publication(self, context: PublicationContext) -> None:
        await self.orders.put(context.pub.data["order"]["id"])

    async def on_server_publication(self, context: ServerPublicationContext) -> None:
        await self.own.put(context.pub.data["order"]["id"])

    async def on_subscribed(self, context: SubscribedContext) -> None:
        await self.subscribed.put(context)


async def test_the_python_sdk_connects_subscribes_and_recovers(
    server: ServerProcess, http: AsyncClient, people: dict[str, str]
) -> None:
    token = await token_of(http, server.url, people["staff"])
    inbox = Inbox()
    client = make_client(server, token, inbox)
    await client.connect()
    subscription = client.new_subscription("orders")
    subscription.events.on_publication = inbox.on_publication
    subscription.events.on_subscribed = inbox.on_subscribed
    await subscription.subscribe()
    try:
        first = await within(inbox.subscribed.get())
        one = await place_order(http, server.url, token)
        assert await within(inbox.orders.get()) == one["id"]
        assert await within(inbox.own.get()) == one["id"]

        await cut(client)
        two = await place_order(http, server.url, token)
        again = await within(inbox.subscribed.get())

        assert not first.recovered
        assert again.recovered
        assert await within(inbox.orders.get()) == two["id"]
        assert await within(inbox.own.get()) == two["id"]
        three = await place_order(http, server.url, token)  # nothing came before it
        assert await within(inbox.orders.get()) == three["id"]
        assert await within(inbox.own.get()) == three["id"]
    finally:
        await client.disconnect()


def make_client(server: ServerProcess, token: str, inbox: Inbox) -> Client:
    async def get_token(_context: Any = None) -> str:
        return token

    client = Client(server.socket_url, get_token=get_token, min_reconnect_delay=0.1)
    client.events.on_publication = inbox.on_server_publication
    return client


async def cut(client: Client) -> None:
    """Drop the connection below the SDK, without a word."""
    client._conn.transport.abort()


async def within(waited: Any) -> Any:
    async with asyncio.timeout(WAIT_SECONDS):
        return await waited
