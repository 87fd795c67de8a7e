"""`REDIS_URL=… python -m load.peers.servers.websockets_broadcast PORT`."""

import asyncio
import os
import sys

from redis.asyncio import Redis
from websockets.asyncio.server import ServerConnection, broadcast, serve

from load import loop
from load.sources.redis import TOPIC

sockets: set[ServerConnection] = set()


async def listen(socket: ServerConnection) -> None:
    sockets.add(socket)
    try:
        await socket.send("ready")
        await socket.wait_closed()
    finally:
        sockets.discard(socket)


async def forward() -> None:
    async with Redis.from_url(os.environ["REDIS_URL"]).pubsub() as pubsub:
        await pubsub.subscribe(TOPIC)
        async for message in pubsub.listen():
            if message["type"] == "message":
                broadcast(sockets, message["data"], text=True)


async def main(port: int) -> None:
    task = asyncio.create_task(forward())
    async with serve(listen, "127.0.0.1", port, compression=None, ping_interval=None, backlog=1024):
        await task


if __name__ == "__main__":
    loop.run(main(int(sys.argv[1])))
