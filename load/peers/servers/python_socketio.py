"""`REDIS_URL=… python -m load.peers.servers.python_socketio PORT`.

To connect is to be in the room; with SECRET_KEY and CONNECTIONS_PER_USER it takes a token, and the
rest of what `SignedIn` does.
"""

import os
import sys
from dataclasses import dataclass
from typing import Any

import jwt
import socketio
import uvicorn
from redis.asyncio import BlockingConnectionPool, Redis
from socketio.exceptions import ConnectionRefusedError as Refused

ROOM = "orders"

server = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(os.environ.get("REDIS_URL", "redis://")),
    transports=["websocket"],
    http_compression=False,
)


async def connect(sid: str, _: dict[str, Any]) -> None:
    await server.enter_room(sid, ROOM)


@dataclass(frozen=True)
class SignedIn:
    """The token says whose connection it is; a user's are counted in Redis, for all nodes.

    A socket is in its user's room from the start, and in another once it has asked for it.
    """

    redis: Redis
    secret: str
    limit: int

    async def connect(self, sid: str, _: dict[str, Any], auth: dict[str, str] | None) -> None:
        user = self._user((auth or {}).get("token", ""))
        if await self.redis.incr(f"connections:{user}") > self.limit:
            await self.redis.decr(f"connections:{user}")
            raise Refused("too many connections")
        await server.save_session(sid, {"user": user})
        await server.enter_room(sid, f"users:{user}")

    async def subscribe(self, sid: str, room: str) -> bool:
        if room == ROOM:
            await server.enter_room(sid, room)
        return room == ROOM

    async def disconnect(self, sid: str, _: str) -> None:
        session = await server.get_session(sid)
        await self.redis.decr(f"connections:{session['user']}")

    def _user(self, token: str) -> str:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self.secret, algorithms=["HS256"], audience="tandem", issuer="tandem"
            )
        except jwt.PyJWTError as error:
            raise Refused(str(error)) from None
        return str(claims["sub"])


def listen() -> None:
    secret = os.environ.get("SECRET_KEY")
    if not secret:
        server.on("connect", connect)
        return
    # Thousands may wait for the few connections, where the default pool refuses them.
    pool = BlockingConnectionPool.from_url(os.environ["REDIS_URL"], timeout=None)
    signed_in = SignedIn(Redis.from_pool(pool), secret, int(os.environ["CONNECTIONS_PER_USER"]))
    for handler in (signed_in.connect, signed_in.subscribe, signed_in.disconnect):
        server.on(handler.__name__, handler)


if __name__ == "__main__":
    listen()
    uvicorn.run(
        socketio.ASGIApp(server),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
    )
