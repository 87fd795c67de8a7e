"""`ops` of a served Tandem: an admin is told of every worker, once a second."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.end_to_end.following import following
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.stage import Stage

Figures = dict[str, Any]
CLIENTS = 12
TOLD = 4
WAIT_SECONDS = 60.0


async def figures_of(socket: ClientConnection) -> AsyncIterator[Figures]:
    async for message in socket:
        for line in str(message).splitlines():
            push = json.loads(line).get("push", {})
            if push.get("channel") == "ops":
                yield push["pub"]["data"]


async def test_an_admin_is_told_of_both_workers_once_a_second(stage: Stage) -> None:
    async with stage.serving(workers=2) as server, crowd(stage, server):
        told: dict[int, list[Figures]] = defaultdict(list)
        admin = await stage.token(server, "admin")
        async with (
            asyncio.timeout(WAIT_SECONDS),
            following(server.socket_url, admin, "ops") as socket,
        ):
            async for figures in figures_of(socket):
                told[figures["pid"]].append(figures)
                if len(told) == 2 and all(len(one) >= TOLD for one in told.values()):
                    break

        assert told.keys() == {worker.pid for worker in server.workers}
    assert sum(one[-1]["connections"] for one in told.values()) == CLIENTS + 1
    assert sum(one[-1]["subscriptions"] for one in told.values()) == 2 * (CLIENTS + 1)
    for one in told.values():
        moments = [figures["uptime_s"] for figures in one]
        assert moments == sorted(set(moments))
        assert moments[-1] - moments[0] >= len(moments) - 2  # the first may have come late


@asynccontextmanager
async def crowd(stage: Stage, server: ServerProcess) -> AsyncIterator[None]:
    """Staff on `orders`, each on whichever worker the kernel gives them."""
    token = await stage.token(server, "staff")
    async with AsyncExitStack() as clients:
        for _ in range(CLIENTS):
            await clients.enter_async_context(following(server.socket_url, token, "orders"))
        yield
