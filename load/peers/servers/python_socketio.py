"""`REDIS_URL=… python -m load.peers.servers.python_socketio PORT`."""

import os
import sys
from typing import Any

import socketio
import uvicorn

ROOM = "orders"

server = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(os.environ.get("REDIS_URL", "redis://")),
    transports=["websocket"],
    http_compression=False,
)


async def connect(sid: str, _: dict[str, Any]) -> None:
    await server.enter_room(sid, ROOM)


if __name__ == "__main__":
    server.on("connect", connect)
    uvicorn.run(
        socketio.ASGIApp(server),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
    )
