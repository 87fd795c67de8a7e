"""Numbered publications straight through Redis, as the relay sends them: the fan-out alone.

What is published so is in no log. Workers take it for what comes next, and what real writes come
after it they take for known: only for a server that ends with the run.
"""

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.realtime.message import Message
from load.errors import LoadError
from load.source import Made, Paced


class Wire(Paced):
    """`epoch` and `head` are those of the target's log."""

    def __init__(self, redis: Redis, *, epoch: str, channel: str, head: int) -> None:
        super().__init__(head)
        self._redis = redis
        self._channel = channel
        self._topic = f"tandem:{epoch}:{channel}"

    async def publish(self, events: list[Made]) -> None:
        message = Message(self._channel, events[0].offset)
        for event in events:
            message.add(event.at, event.payload)
        try:
            await self._redis.publish(self._topic, message.encode())
        except RedisError as error:
            raise LoadError.unreachable(f"Redis did not take an event: {error}") from None
