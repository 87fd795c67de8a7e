"""`REDIS_URL=… python -m load.peers.servers.fastapi_loop PORT`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis

from load.sources.redis import TOPIC

sockets: set[WebSocket] = set()


async def forward() -> None:
    async with Redis.from_url(os.environ["REDIS_URL"]).pubsub() as pubsub:
        await pubsub.subscribe(TOPIC)
        async for message in pubsub.listen():
            if message["type"] == "message":
                await send_to_all(message["data"].decode())


async def send_to_all(text: str) -> None:
    for socket in list(sockets):
        try:
            await socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            sockets.discard(socket)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    task = asyncio.create_task(forward())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def serve(socket: WebSocket) -> None:
    await socket.accept()
    sockets.add(socket)
    await socket.send_text("ready")
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        sockets.discard(socket)


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
    )
