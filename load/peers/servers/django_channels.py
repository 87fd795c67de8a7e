"""`REDIS_URL=… python -m load.peers.servers.django_channels PORT`.

The channel layer on Redis publish/subscribe is the faster one of channels_redis.
"""

import os
import sys
from typing import Any

import django
import uvicorn
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings

GROUP = "orders"


class Orders(AsyncWebsocketConsumer):  # type: ignore[misc] # channels has no types
    groups = (GROUP,)

    async def connect(self) -> None:
        await self.accept()
        await self.send(text_data="ready")

    async def order_changed(self, message: dict[str, Any]) -> None:
        """Messages of the type `order.changed`."""
        await self.send(text_data=message["text"])


def configure(redis_url: str) -> None:
    layer = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [redis_url]},
    }
    settings.configure(CHANNEL_LAYERS={"default": layer})
    django.setup()


if __name__ == "__main__":
    configure(os.environ["REDIS_URL"])
    uvicorn.run(
        ProtocolTypeRouter({"websocket": Orders.as_asgi()}),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        lifespan="off",
        log_level="warning",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
    )
