"""A client that follows one channel, and leaves to the test what it makes of what it hears."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect


@asynccontextmanager
async def following(url: str, token: str, channel: str) -> AsyncIterator[ClientConnection]:
    async with connect(url) as socket:
        commands = ({"connect": {"token": token}}, {"subscribe": {"channel": channel}})
        for number, command in enumerate(commands, start=1):
            await socket.send(json.dumps({"id": number, **command}))
            answer = json.loads(await socket.recv())
            assert "error" not in answer, answer
        yield socket
