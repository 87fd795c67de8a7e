"""Compression that is on: clients with and without it, side by side, are told the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from httpx import AsyncClient

from app.core.config import Settings
from app.realtime.wire.deflate import ANSWER
from tests.end_to_end.orders import place_order, token_of
from tests.end_to_end.server import ServerProcess, serving
from tests.end_to_end.subscriber import WAIT_SECONDS, Socket, open_socket

HEADER = "Sec-WebSocket-Extensions"
NOTE = "six crates of Chai, to the back door, and ring twice, please. " * 4


@pytest.fixture(params=["on", "off"], ids=["taken over", "route"])
async def server(
    request: pytest.FixtureRequest, settings: Settings, tmp_path: Path
) -> AsyncIterator[ServerProcess]:
    async with serving(
        settings.database_url,
        settings.redis_url,
        tmp_path,
        TANDEM_COMPRESSION="on",
        TANDEM_TAKE_OVER=request.param,
    ) as server:
        yield server


async def test_everybody_is_told_the_same(
    server: ServerProcess, http: AsyncClient, people: dict[str, str]
) -> None:
    token = await token_of(http, server.url, people["staff"])
    async with AsyncExitStack() as stack:
        sockets: list[Socket] = []
        for offered in ("deflate", "deflate", None):
            opening = open_socket(server.socket_url, token, compression=offered)
            socket = await stack.enter_async_context(opening)
            assert "subscribe" in await socket.ask(subscribe={"channel": "orders"})
            sockets.append(socket)
        placed = [await place_order(http, server.url, token, note=NOTE) for _ in range(3)]

        assert [agreed_on(socket) for socket in sockets] == [ANSWER, ANSWER, None]
        for socket in sockets:
            told = [await order_of(socket) for _ in placed]
            assert told == [(order["id"], NOTE) for order in placed]


def agreed_on(socket: Socket) -> str | None:
    assert socket.websocket.response is not None
    return socket.websocket.response.headers.get(HEADER)


async def order_of(socket: Socket) -> tuple[str, str]:
    """Id and note of the order that the next publication on `orders` tells of."""
    async with asyncio.timeout(WAIT_SECONDS):
        while (push := (await socket.document()).get("push", {})).get("channel") != "orders":
            pass  # the person's own channel
    order = push["pub"]["data"]["order"]
    return order["id"], order["note"]
